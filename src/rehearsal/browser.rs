//! A browser with a person in front of it, as far as a rehearsed sign-in needs them: opens the page, agrees, and
//! follows where it is sent.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST, LOCATION};
use http::{Request, Response, Uri};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::base::Secret;

/// How long a person looks at the page; long enough to see that something is waited for.
const READING: Duration = Duration::from_millis(1200);
/// No request takes longer.
const WITHIN: Duration = Duration::from_secs(10);
/// Redirects that are followed.
const HOPS: usize = 4;

/// Opens `page` and agrees. What goes wrong is seen by the sign-in that waits, not here.
pub async fn visit(page: Secret) {
    tokio::time::sleep(READING).await;
    let mut next = Some(page);
    for _ in 0..HOPS {
        let Some(page) = next.take() else { return };
        next = tokio::time::timeout(WITHIN, get(&page)).await.ok().flatten();
    }
}

/// Asks for a page on loopback; where it sends the browser, if it does.
async fn get(page: &Secret) -> Option<Secret> {
    let uri: Uri = page.expose().parse().ok()?;
    let authority = uri.authority()?.clone();
    let path = uri.path_and_query()?.as_str().to_owned();
    let stream = TcpStream::connect((authority.host(), authority.port_u16()?)).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path)
        .header(HOST, authority.as_str())
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .ok()?;
    let answer = sender.send_request(request);
    tokio::pin!(answer, connection);
    // The end of the connection may bring the answer along.
    let answer = tokio::select! {
        answer = &mut answer => answer.ok()?,
        _ended = &mut connection => answer.await.ok()?,
    };
    target(&answer)
}

fn target(answer: &Response<Incoming>) -> Option<Secret> {
    let location = answer.headers().get(LOCATION)?.to_str().ok()?;
    answer.status().is_redirection().then(|| Secret::from(location))
}
