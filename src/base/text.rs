//! Display width: truncate, pad and wrap by grapheme cluster; hostile text made harmless.
