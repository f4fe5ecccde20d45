//! What the browser shows when it comes back: dark, self-contained, no script, nothing secret in it.

/// Headers of every page. The page may load nothing and be framed by nobody.
pub const HEADERS: [(&str, &str); 5] = [
    ("content-type", "text/html; charset=utf-8"),
    ("x-frame-options", "DENY"),
    ("x-content-type-options", "nosniff"),
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
         script-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
];

/// How a sign-in ended, for the person in the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// Signed in; the session is on its way into the pool.
    Done,
    /// It did not work: what happened, and what to do.
    Failed {
        /// Heading.
        what: String,
        /// Causes and hints, a line each.
        lines: Vec<String>,
    },
}

impl Page {
    /// The document.
    pub fn html(&self) -> String {
        let (title, mark, lines) = match self {
            Self::Done => (
                "Sign-in complete",
                "good",
                vec![
                    "The callback was captured on this computer.".to_owned(),
                    "You can close this tab and go on in the terminal.".to_owned(),
                ],
            ),
            Self::Failed { what, lines } => (what.as_str(), "bad", lines.clone()),
        };
        let body = lines.iter().fold(String::new(), |body, line| body + "<p>" + &escaped(line) + "</p>");
        let title = escaped(title);
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
             <title>{title}</title><style>{STYLE}</style></head>\
             <body><main class=\"{mark}\"><h1>{title}</h1>{body}<footer>codex-multi-auth</footer></main></body></html>"
        )
    }
}

const STYLE: &str = "html{color-scheme:dark}body{margin:0;min-height:100vh;display:grid;place-items:center;\
background:#111417;color:#e6e6e6;font:16px/1.5 system-ui,sans-serif}main{max-width:34rem;padding:2rem 2.5rem;\
border:1px solid #2b3238;border-radius:12px;background:#171b1f}h1{margin:0 0 1rem;font-size:1.35rem}\
.good h1{color:#8bd5a0}.bad h1{color:#f0a6a0}p{margin:.5rem 0;overflow-wrap:anywhere}\
footer{margin-top:1.5rem;color:#8a949c;font-size:.85rem}";

/// Text that cannot become markup.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_provider_says_cannot_become_markup() {
        let page = Page::Failed {
            what: "The sign-in was refused".to_owned(),
            lines: vec!["<script>alert('x')</script> & \"more\"".to_owned()],
        };

        let html = page.html();

        assert!(!html.contains("<script"), "{html}");
        assert!(
            html.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;"),
            "{html}"
        );
    }

    #[test]
    fn the_page_of_success_says_where_to_go_on() {
        let html = Page::Done.html();

        for words in ["Sign-in complete", "captured on this computer", "close this tab", "terminal"] {
            assert!(html.contains(words), "{words}");
        }
        assert!(!html.contains("http://") && !html.contains("https://"), "nothing is loaded or linked");
    }
}
