//! `bridge` and `integrations` as clap reads them.

use clap::{Args, Subcommand};

use crate::app::bridge::{Kind, Order, Wanted, Wish};
use crate::app::goal::{Command, Goal, Serving};
use crate::base::Span;
use crate::domain::bridge::Access;
use crate::domain::client_token::Scope;
use crate::domain::usage::period;

/// Arguments of `bridge`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BridgeArgs {
    /// What to do; without a word it is shown how the bridge stands
    #[command(subcommand)]
    pub word: Option<BridgeWord>,
}

impl BridgeArgs {
    /// What to run.
    pub fn goal(self) -> Goal {
        self.word.unwrap_or(BridgeWord::Status).goal()
    }
}

/// A word behind `bridge`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BridgeWord {
    /// Start the bridge in the background
    Start(Where),
    /// End it
    Stop,
    /// Show whether it runs, where, and how many keys there are
    Status,
    /// List the keys of its clients
    List,
    /// Keys of its clients
    #[command(subcommand)]
    Token(TokenWord),
    /// The bridge itself, in the foreground
    #[command(hide = true)]
    Host(Where),
}

/// Where the bridge listens, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Where {
    /// Loopback port; the setting `bridgePort` otherwise
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1_024..))]
    pub port: Option<u16>,
    /// Host name; only those of this computer
    #[arg(long, value_name = "HOST", default_value = "127.0.0.1", hide_default_value = true,
          value_parser = ["127.0.0.1", "localhost", "::1", "[::1]"], hide_possible_values = true)]
    pub host: String,
    /// Ask for no key: every program on this computer may use it
    #[arg(long)]
    pub no_auth: bool,
}

impl Where {
    fn access(&self) -> Access {
        if self.no_auth { Access::Open } else { Access::Keyed }
    }
}

/// A word behind `bridge token`.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum TokenWord {
    /// Make a key; its text is shown this once
    Create {
        /// A name for it
        #[arg(long, value_name = "LABEL")]
        label: Option<String>,
        /// Let it open only this: models or responses; may be given several times
        #[arg(long, value_name = "SCOPE", value_parser = Scope::ALL.map(Scope::word), hide_possible_values = true)]
        scope: Vec<String>,
        /// Let it ask only for this model; may be given several times
        #[arg(long, value_name = "MODEL")]
        model: Vec<String>,
        /// Let it work only so long: 12h, 30d, 8w
        #[arg(long, value_name = "TIME", value_parser = span_of)]
        expires: Option<Span>,
    },
    /// List keys
    List,
    /// Replace a key by a new one of the same name
    Rotate {
        /// Id of the key
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Make a key work no more
    Revoke {
        /// Id of the key
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl BridgeWord {
    fn goal(self) -> Goal {
        let order = match self {
            Self::Host(place) => {
                return Goal::Serve(Serving {
                    port: place.port,
                    bridge: Some(place.access()),
                    ..Serving::default()
                });
            }
            Self::Start(place) => Order::Start { port: place.port, access: place.access() },
            Self::Stop => Order::Stop,
            Self::Status => Order::Status,
            Self::Token(TokenWord::Create { label, scope, model, expires }) => {
                let scopes = scope.iter().filter_map(|word| Scope::from_word(word)).collect();
                Order::Create(Wish { label, scopes, models: model, expires })
            }
            Self::List | Self::Token(TokenWord::List) => Order::List,
            Self::Token(TokenWord::Rotate { id }) => Order::Rotate(id),
            Self::Token(TokenWord::Revoke { id }) => Order::Revoke(id),
        };
        Goal::Run(Command::Bridge(order))
    }
}

/// Arguments of `integrations`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct IntegrationsArgs {
    /// Only this tool; may be given several times
    #[arg(long, value_name = "KIND", value_parser = Kind::ALL.map(Kind::word))]
    pub kind: Vec<String>,
    /// Base address; that of the live bridge otherwise
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Model
    #[arg(long, short = 'm', value_name = "MODEL", default_value = "gpt-5.5")]
    pub model: String,
}

impl IntegrationsArgs {
    /// What to run.
    pub fn goal(self) -> Goal {
        let kinds: Vec<Kind> = self.kind.iter().filter_map(|word| Kind::from_word(word)).collect();
        Goal::Run(Command::Bridge(Order::Integrations(Wanted {
            kinds: if kinds.is_empty() { Kind::ALL.to_vec() } else { kinds },
            base: self.base_url.map(|url| url.trim_end_matches('/').to_owned()),
            model: self.model,
        })))
    }
}

fn span_of(text: &str) -> Result<Span, String> {
    let span = period::span(text).filter(|span| *span > Span::ZERO);
    span.ok_or_else(|| "write a number and one of m, h, d, w, as in 30d".to_owned())
}
