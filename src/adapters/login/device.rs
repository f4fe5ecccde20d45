//! The device-code flow: ask for a code, then ask until the person has typed it (login.md §4).

use oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use crate::adapters::login::{SignInDesk, granted, lost};
use crate::base::Secret;
use crate::domain::account::Door;
use crate::domain::chance::seeded;
use crate::domain::digest::sha256;
use crate::domain::login::admission::SignIn;
use crate::domain::login::device::{self, DeviceCode, LOST_CONNECTIONS, Poll};
use crate::domain::login::failure::Failure;
use crate::domain::login::limit::Act;
use crate::formats::device_login::{self, Agreed};
use crate::ports::Clock;

impl<C: Clock> SignInDesk<C> {
    /// Asks for a code to type on another device.
    ///
    /// # Errors
    /// Whatever ends a sign-in.
    pub async fn device_code(&self) -> Result<DeviceCode, Failure> {
        self.allowed(&Act::DeviceCode)?;
        self.note(&Act::DeviceCode);
        let url = self.0.url("/api/accounts/deviceauth/usercode")?;
        let answer = self.0.post(url, device_login::ask_body()).await.map_err(|error| lost(&error))?;
        if answer.status == 404 {
            return Err(Failure::DeviceDisabled);
        }
        if !answer.is_success() {
            return Err(Failure::Refused(answer.refusal()));
        }
        let page = format!("{}/codex/device", self.0.base);
        device_login::parse_code(&answer.body, page, self.0.clock.now())
            .ok_or(Failure::Unreadable("it holds no device code"))
    }

    /// Waits until the person has typed the code, and finishes the sign-in.
    ///
    /// # Errors
    /// Whatever ends a sign-in; `DeviceTimeout` when the code ran out.
    pub async fn await_device(&self, code: &DeviceCode) -> Result<SignIn, Failure> {
        let agreed = self.poll(code).await?;
        let verifier = PkceCodeVerifier::new(agreed.verifier.expose().to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        if agreed.challenge.is_some_and(|told| told != challenge.as_str()) {
            return Err(Failure::Unreadable("its challenge does not belong to its verifier"));
        }
        let redirect = format!("{}/deviceauth/callback", self.0.base);
        let answer = self.0.exchange(&redirect, &agreed.code, &agreed.verifier).await?;
        granted(&answer, Door::Device, self.0.clock.now())
    }

    async fn poll(&self, code: &DeviceCode) -> Result<Agreed, Failure> {
        let url = self.0.url("/api/accounts/deviceauth/token")?;
        let mut rng = seeded(seed(&code.id));
        let mut lost_in_a_row = 0;
        loop {
            let next = match self.0.post(url.clone(), device_login::poll_body(code)).await {
                Ok(answer) => {
                    lost_in_a_row = 0;
                    match device::judge(answer.status, answer.retry_after, code.interval, &mut rng) {
                        Poll::Ready => {
                            return device_login::parse_agreed(&answer.body)
                                .ok_or(Failure::Unreadable("it holds no authorization code"));
                        }
                        Poll::Over => return Err(Failure::Refused(answer.refusal())),
                        Poll::Again(wait) => wait,
                    }
                }
                Err(error) => {
                    lost_in_a_row += 1;
                    if lost_in_a_row > LOST_CONNECTIONS {
                        return Err(lost(&error));
                    }
                    device::trouble(code.interval, &mut rng)
                }
            };
            let left = self.0.clock.now().until(code.deadline);
            if left.is_over() {
                return Err(Failure::DeviceTimeout { budget: code.since.until(code.deadline) });
            }
            self.0.clock.sleep(next.min(left)).await;
        }
    }
}

/// Pauses of two devices must not fall together; nothing secret hangs on it.
fn seed(id: &Secret) -> u64 {
    let hash = sha256(id.expose());
    hash.iter().take(8).fold(0, |seed, byte| (seed << 8) | u64::from(*byte))
}
