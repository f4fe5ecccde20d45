//! Masking of e-mails, ids, tokens and paths for logs, reports and bundles.
