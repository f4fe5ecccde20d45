//! The process's HTTP clients, and how their failures read.
//!
//! One client speaks HTTP/2 where the server does; its twin speaks HTTP/1.1 only and keeps no connection: it is
//! what sockets start from (an upgrade over HTTP/2 fails with a stream reset) and what the token endpoint is
//! asked with (a connection that is always fresh makes "not reached" certain, and that decides whether a
//! single-use token may be spent again). Both come in a clear and a TLS edition; the latter is made at the first
//! `https` request, because reading the certificates is slow. No redirects, cookies, retries or decompression.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, ClientBuilder, NoProxy, Proxy, Url};
use tokio::sync::OnceCell;

use crate::adapters::upstream::roots::RootSources;
use crate::base::Span;
use crate::ports::upstream::UpstreamError;

/// TLS may take as long as TCP did (runtime.md DB-30), and the client knows only their sum.
const TLS_HANDSHAKE: Span = Span::seconds(10);
/// A connection that sleeps through a suspended laptop must not swallow the next request for a minute.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Requests to the loopback overrides never leave this machine (decisions.md D25).
const LOOPBACK: &str = "127.0.0.0/8,localhost,::1";

/// The one way out for all accounts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Egress {
    /// `http://`, `https://` or `socks5://` proxy.
    url: Option<String>,
    /// Hosts that are reached without it.
    except: Option<String>,
}

impl Egress {
    /// The setting `egressProxy` wins; else `HTTPS_PROXY`, then `ALL_PROXY`, with `NO_PROXY`.
    pub fn choose(setting: &str, https: Option<&str>, all: Option<&str>, except: Option<&str>) -> Self {
        let filled = |value: &&str| !value.trim().is_empty();
        if filled(&setting) {
            return Self { url: Some(setting.trim().to_owned()), except: None };
        }
        let url = https.filter(filled).or(all.filter(filled)).map(|url| url.trim().to_owned());
        Self { url, except: except.filter(filled).map(str::to_owned) }
    }

    fn proxy(&self) -> Result<Option<Proxy>, UpstreamError> {
        let Some(url) = &self.url else { return Ok(None) };
        let url = if url.contains("://") { url.clone() } else { format!("http://{url}") };
        // The error of the library would show user and password of the proxy's address.
        let proxy = Proxy::all(url).map_err(|_| unreachable("the egress proxy is not a usable address"))?;
        let except =
            self.except.as_deref().map_or_else(|| LOOPBACK.to_owned(), |rest| format!("{LOOPBACK},{rest}"));
        Ok(Some(proxy.no_proxy(NoProxy::from_string(&except))))
    }
}

/// What may be negotiated with the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// HTTP/2 where offered, pooled.
    Any,
    /// HTTP/1.1 on a connection of its own.
    OneShot,
}

#[derive(Debug)]
struct Pair {
    any: Client,
    one_shot: Client,
}

/// The clients; cheap to clone, shared by `Upstream` and `Auth`.
#[derive(Debug, Clone)]
pub struct Clients(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    egress: Egress,
    roots: RootSources,
    connect_within: Duration,
    clear: OnceCell<Pair>,
    tls: OnceCell<Pair>,
}

impl Clients {
    /// Clients that go out by `egress`, trust `roots` and give a connection `connect_within` (TCP).
    pub fn new(egress: Egress, roots: RootSources, connect_within: Span) -> Self {
        let connect_within = (connect_within + TLS_HANDSHAKE).to_duration();
        Self(Arc::new(Inner { egress, roots, connect_within, clear: OnceCell::new(), tls: OnceCell::new() }))
    }

    /// The client for `url`.
    ///
    /// # Errors
    /// When no certificates can be read or the egress proxy has no usable address.
    pub async fn of(&self, url: &Url, speech: Speech) -> Result<Client, UpstreamError> {
        let pair = if url.scheme() == "https" {
            self.0.tls.get_or_try_init(|| self.with_roots()).await?
        } else {
            self.0.clear.get_or_try_init(async || self.build(&[])).await?
        };
        Ok(match speech {
            Speech::Any => pair.any.clone(),
            Speech::OneShot => pair.one_shot.clone(),
        })
    }

    async fn with_roots(&self) -> Result<Pair, UpstreamError> {
        let clients = self.clone();
        let made = tokio::task::spawn_blocking(move || {
            let ders = clients.0.roots.load().map_err(UpstreamError::Unreachable)?;
            let roots =
                ders.iter().filter_map(|der| reqwest::Certificate::from_der(der).ok()).collect::<Vec<_>>();
            clients.build(&roots)
        });
        made.await.unwrap_or_else(|_| Err(unreachable("reading the certificates was interrupted")))
    }

    fn build(&self, roots: &[reqwest::Certificate]) -> Result<Pair, UpstreamError> {
        // A second call fails because the first one did its work.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let any = self
            .base(roots)?
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_ANSWER_WITHIN)
            .http2_keep_alive_while_idle(false);
        let one_shot = self.base(roots)?.http1_only().pool_max_idle_per_host(0);
        let build = |builder: ClientBuilder| builder.build().map_err(|error| unreachable(words(&error)));
        Ok(Pair { any: build(any)?, one_shot: build(one_shot)? })
    }

    fn base(&self, roots: &[reqwest::Certificate]) -> Result<ClientBuilder, UpstreamError> {
        let builder = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .connect_timeout(self.0.connect_within)
            .tls_certs_only(roots.iter().cloned());
        Ok(match self.0.egress.proxy()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        })
    }
}

/// What a failed request means to the caller.
pub fn transport(error: &reqwest::Error) -> UpstreamError {
    if error.is_connect() && is_offline(error) {
        UpstreamError::Offline(words(error))
    } else if error.is_connect() || error.is_builder() {
        UpstreamError::Unreachable(words(error))
    } else if error.is_timeout() {
        UpstreamError::TimedOut
    } else {
        UpstreamError::Cut(words(error))
    }
}

/// Whether the way out of this machine is missing, so that no account would fare better.
fn is_offline(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        let kind = inner.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        let has_no_way = kind.is_some_and(|kind| {
            use std::io::ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable};
            matches!(kind, HostUnreachable | NetworkDown | NetworkUnreachable)
        });
        if has_no_way || inner.to_string() == "dns error" {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// The innermost causes, without the address: it may carry secrets in its query.
fn words(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    let mut last = None;
    while let Some(inner) = cause {
        last = Some(inner.to_string());
        cause = inner.source();
    }
    last.unwrap_or_else(|| if error.is_timeout() { "no answer in time" } else { "no connection" }.to_owned())
}

fn unreachable(why: impl Into<String>) -> UpstreamError {
    UpstreamError::Unreachable(why.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_wins_over_the_environment_and_https_over_all() {
        let of = |setting, https, all, except| Egress::choose(setting, https, all, except);

        assert_eq!(of(" ", None, None, Some("a.test")).url, None);
        assert_eq!(of("", Some("http://h"), Some("http://a"), None).url.as_deref(), Some("http://h"));
        assert_eq!(of("", Some(""), Some("socks5://a"), None).url.as_deref(), Some("socks5://a"));
        assert_eq!(
            of("http://s", Some("http://h"), None, Some("a.test")),
            Egress { url: Some("http://s".to_owned()), except: None }
        );
    }

    #[test]
    fn an_unusable_proxy_address_is_named_without_its_password() {
        let egress = Egress::choose("http://user:hunter2@[broken", None, None, None);

        let error = egress.proxy().unwrap_err().to_string();

        assert!(error.contains("egress proxy") && !error.contains("hunter2"), "{error}");
    }
}
