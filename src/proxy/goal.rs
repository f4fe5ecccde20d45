//! Goals of threads for accounts whose plan has none upstream (runtime.md §21): a refusal of upstream becomes the
//! client's own goal, remembered here. A change is never claimed unless it was kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use http::Response;

use crate::domain::selection::SessionKey;
use crate::formats::goal::{self, Named};
use crate::ports::Ports;
use crate::proxy::answer::{self, Out};

const KEPT: usize = 512;

/// The goals of one proxy, newest last.
#[derive(Debug, Default)]
pub(super) struct Goals {
    kept: Mutex<VecDeque<(SessionKey, Option<String>)>>,
    has_changed: AtomicBool,
}

/// What the client wants of a goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// `…/get`
    Read,
    /// `…/set`, with the new goal when the body names one.
    Set(Named),
}

impl Goals {
    /// The goals an earlier proxy left.
    pub(super) fn restored(goals: Vec<(SessionKey, Option<String>)>) -> Self {
        let surplus = goals.len().saturating_sub(KEPT);
        let kept = goals.into_iter().skip(surplus).collect();
        Self { kept: Mutex::new(kept), has_changed: AtomicBool::new(false) }
    }

    /// Whether a goal was set since the last call.
    pub(super) fn take_changed(&self) -> bool {
        self.has_changed.swap(false, Ordering::Relaxed)
    }

    /// All goals, newest last.
    pub(super) fn all(&self) -> Vec<(SessionKey, Option<String>)> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Our answer in place of upstream's `status`; `None` when upstream's own is the better one.
    pub(super) fn stand_in<P: Ports>(
        &self,
        status: u16,
        wish: &Wish,
        session: Option<&SessionKey>,
    ) -> Option<Response<Out<P>>> {
        if status < 400 {
            return None;
        }
        match wish {
            Wish::Read => {
                let goal = session.filter(|_| status == 403).and_then(|session| self.read(session));
                Some(answer::json(200, goal::print_read(goal.as_deref())))
            }
            Wish::Set(_) if status != 403 => None,
            Wish::Set(named) => {
                let Some(session) = session else { return Some(answer::json(400, goal::print_keyless())) };
                let new = match named {
                    Named::Unnamed => return None,
                    Named::Nothing => None,
                    Named::Goal(text) => Some(text.clone()),
                };
                let answer = answer::json(200, goal::print_set(new.as_deref()));
                self.set(session.clone(), new);
                Some(answer)
            }
        }
    }

    fn read(&self, session: &SessionKey) -> Option<String> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(other, _)| other == session).and_then(|(_, goal)| goal.clone())
    }

    fn set(&self, session: SessionKey, goal: Option<String>) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(other, _)| other != &session);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        kept.push_back((session, goal));
        drop(kept);
        self.has_changed.store(true, Ordering::Relaxed);
    }
}
