//! `serve`: the proxy in the foreground until a signal ends it.

use crate::app::effect::{Effect, Effects};
use crate::app::flows::Step;
use crate::app::msg::{Msg, ServiceMsg};
use crate::app::outcome::{Body, Outcome};
use crate::app::world::World;
use crate::base::Moment;
use crate::domain::problem::{Exit, Hint, Problem};

/// How the address is announced on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// One JSON line with the whole address.
    Json,
    /// The address without its secret prefix.
    Text,
}

/// The flow's state.
#[derive(Debug, Clone, PartialEq)]
pub struct Flow {
    announce: Announce,
    pid: u32,
    told: bool,
}

impl Flow {
    /// A flow that waits for the proxy to listen.
    pub fn new(announce: Announce, pid: u32) -> Self {
        Self { announce, pid, told: false }
    }

    /// Hears a message.
    pub fn on(&mut self, message: &Msg, _: &World, _: Moment) -> Step {
        let Msg::Service(service) = message else { return Step::Wait(Effects::new()) };
        match service {
            ServiceMsg::Listening { port, base_url, refresh_url } => {
                if self.told {
                    return Step::Wait(Effects::new());
                }
                self.told = true;
                let line = match self.announce {
                    Announce::Text => format!("listening on http://127.0.0.1:{port}"),
                    Announce::Json => format!(
                        "{{\"baseUrl\":\"{}\",\"refreshUrl\":\"{}\",\"pid\":{}}}",
                        base_url.expose(),
                        refresh_url.expose(),
                        self.pid
                    ),
                };
                Step::Wait(vec![Effect::Announce(line.into())])
            }
            ServiceMsg::Exited(Ok(())) => done(Exit::Ok, Body::Silent),
            ServiceMsg::Exited(Err(why)) => {
                let problem = Problem::new("proxy-failed", Exit::Failed, "the proxy could not serve")
                    .because(why.clone())
                    .hint(Hint::Say("Choose another port with `serve --port N`".to_owned()));
                done(Exit::Failed, Body::Problem(problem))
            }
            ServiceMsg::Fact(_) => Step::Wait(Effects::new()),
        }
    }
}

fn done(exit: Exit, body: Body) -> Step {
    Step::Done(Effects::new(), Box::new(Outcome { command: "serve", exit, body }))
}
