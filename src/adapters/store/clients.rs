//! Keys of the bridge's clients, checked and noted on the shelf.

use std::sync::Arc;

use crate::adapters::shelf::Shelf;
use crate::adapters::store::blocking;
use crate::base::{Moment, Secret};
use crate::domain::client_token::{ClientToken, find};
use crate::domain::places::Places;
use crate::domain::shelf::Store;
use crate::formats::client_tokens;
use crate::ports::store::StoreError;

/// The working key that was shown. A store that cannot be read lets nobody in.
pub(super) async fn known(places: &Arc<Places>, shown: &Secret, at: Moment) -> Option<ClientToken> {
    let shelf = Shelf::new(Arc::clone(places));
    let reader = Shelf::new(Arc::clone(places));
    let read = blocking(move || Ok::<_, StoreError>(reader.client_tokens().ok())).await;
    let found = read.ok().flatten()?;
    let token = find(found.whole()?, shown.expose(), at)?.clone();
    if token.is_news(at) {
        let id = token.id.clone();
        let noted = shelf.change(Store::ClientTokens, at, |text| match text {
            Some(text) => client_tokens::used(text, &id, at),
            None => Ok(String::new()),
        });
        if let Err(error) = noted.await {
            tracing::warn!(part = "bridge", %error, "the use of a key was not written down");
        }
    }
    Some(token)
}
