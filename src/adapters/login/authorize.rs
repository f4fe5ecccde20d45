//! The authorize link: PKCE, state and the parameters of the official client, in its order (login.md §3.2).

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};

use crate::base::{Moment, Secret};
use crate::domain::login::attempt::{Attempt, Prompt, Wish, redirect_uri};
use crate::domain::login::failure::Failure;
use crate::domain::login::query::encoded;
use crate::domain::login::{ORIGINATOR, SCOPES};
use crate::formats::oauth_wire::CLIENT_ID;

/// Random bytes behind the verifier (86 characters) and the state (43 characters).
const VERIFIER_BYTES: u32 = 64;
const STATE_BYTES: u32 = 32;

/// The order in which the official client sends them.
const ORDER: [&str; 12] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "state",
    "id_token_add_organizations",
    "codex_cli_simplified_flow",
    "originator",
    "prompt",
    "allowed_workspace_id",
];

pub(super) fn mint(base: &str, port: u16, wish: &Wish, now: Moment) -> Result<Attempt, Failure> {
    let wrong = |error: oauth2::url::ParseError| Failure::Network(error.to_string());
    let redirect = redirect_uri(port);
    let client = BasicClient::new(ClientId::new(CLIENT_ID.to_owned()))
        .set_auth_uri(AuthUrl::new(format!("{base}/oauth/authorize")).map_err(wrong)?)
        .set_redirect_uri(RedirectUrl::new(redirect.clone()).map_err(wrong)?);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256_len(VERIFIER_BYTES);
    let mut request = client
        .authorize_url(|| CsrfToken::new_random_len(STATE_BYTES))
        .add_scopes(SCOPES.map(|scope| Scope::new(scope.to_owned())))
        .set_pkce_challenge(challenge)
        .add_extra_param("id_token_add_organizations", "true")
        .add_extra_param("codex_cli_simplified_flow", "true")
        .add_extra_param("originator", ORIGINATOR);
    if wish.prompt == Prompt::Login {
        request = request.add_extra_param("prompt", "login");
    }
    if let Some(workspace) = &wish.workspace {
        request = request.add_extra_param("allowed_workspace_id", workspace.clone());
    }
    let (url, state) = request.url();
    Ok(Attempt {
        state: Secret::new(state.into_secret()),
        verifier: Secret::new(verifier.into_secret()),
        redirect_uri: redirect,
        url: Secret::new(in_order(&url)),
        workspace: wish.workspace.clone(),
        started_at: now,
    })
}

/// The link with its parameters in the official order and a space as `%20`, as the official client writes it.
fn in_order(url: &oauth2::url::Url) -> String {
    let mut pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    pairs.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name));
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    let mut bare = url.clone();
    bare.set_query(None);
    format!("{bare}?{}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::login::query::field;
    use crate::formats::fake::token::challenge;

    fn minted(wish: &Wish) -> (Attempt, String) {
        let attempt = mint("https://auth.openai.com", 1457, wish, Moment::EPOCH).unwrap();
        let query = attempt.url.expose().split_once('?').unwrap().1.to_owned();
        (attempt, query)
    }

    #[test]
    fn the_link_is_the_official_one() {
        let (attempt, query) = minted(&Wish { prompt: Prompt::AsKnown, workspace: None });

        let expected = format!(
            "https://auth.openai.com/oauth/authorize?response_type=code&client_id=app_EMoamEEZ73f0CkXaXp7hrann\
             &redirect_uri=http%3A%2F%2F127.0.0.1%3A1457%2Fauth%2Fcallback\
             &scope=openid%20profile%20email%20offline_access%20api.connectors.read%20api.connectors.invoke\
             &code_challenge={}&code_challenge_method=S256&state={}\
             &id_token_add_organizations=true&codex_cli_simplified_flow=true&originator=codex_cli_rs",
            field(&query, "code_challenge").unwrap(),
            attempt.state.expose(),
        );
        assert_eq!(attempt.url.expose(), expected);
        assert_eq!(attempt.redirect_uri, "http://127.0.0.1:1457/auth/callback");
        assert_eq!((attempt.verifier.len(), attempt.state.len()), (86, 43));
        assert_eq!(field(&query, "code_challenge").unwrap(), challenge(attempt.verifier.expose()));
    }

    #[test]
    fn another_account_is_asked_for_and_a_workspace_is_named() {
        let (_, query) = minted(&Wish { prompt: Prompt::Login, workspace: Some("ws 1".to_owned()) });

        assert!(
            query.ends_with("&originator=codex_cli_rs&prompt=login&allowed_workspace_id=ws%201"),
            "{query}"
        );
    }

    #[test]
    fn no_two_attempts_share_a_secret() {
        let wish = Wish { prompt: Prompt::AsKnown, workspace: None };
        let ((one, _), (other, _)) = (minted(&wish), minted(&wish));

        assert_ne!(one.state, other.state);
        assert_ne!(one.verifier, other.verifier);
    }
}
