//! The secret first path segment of a proxy (decisions.md D11): random bytes in the url-safe alphabet.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::base::Secret;

/// 43 characters from 32 random bytes.
pub fn path_prefix(random: &[u8; 32]) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_43_characters_that_no_url_changes() {
        let prefix = path_prefix(&[0xfb; 32]);

        assert_eq!(prefix.len(), 43);
        assert!(prefix.expose().bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    }
}
