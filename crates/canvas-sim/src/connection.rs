//! TCP connections that a fault can cut: the only way to lose an answer for real.

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// How many bytes may still leave a connection; `usize::MAX` = no limit.
#[derive(Clone, Debug)]
pub(crate) struct Scissors(Arc<AtomicUsize>);

impl Scissors {
    fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(usize::MAX)))
    }

    /// Lets this many more bytes out, then breaks the connection.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.0.store(bytes, Ordering::SeqCst);
    }
}

/// A connection with scissors.
pub(crate) struct Stream {
    tcp: TcpStream,
    scissors: Scissors,
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by an ordered fault")
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.scissors.0.load(Ordering::SeqCst);
        if left == usize::MAX {
            return Pin::new(&mut self.tcp).poll_write(cx, buf);
        }
        if left == 0 {
            return Poll::Ready(Err(broken()));
        }
        let part = buf.get(..left.min(buf.len())).unwrap_or_default();
        let result = Pin::new(&mut self.tcp).poll_write(cx, part);
        if let Poll::Ready(Ok(written)) = &result {
            self.scissors.cut_after(left.saturating_sub(*written));
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

/// A listener whose connections have scissors.
struct Cutting(TcpListener);

impl Listener for Cutting {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (tcp, addr) = Listener::accept(&mut self.0).await;
        // Small answers must not wait for the acknowledgement of earlier ones; without it we are slower only.
        drop(tcp.set_nodelay(true));
        (
            Stream {
                tcp,
                scissors: Scissors::new(),
            },
            addr,
        )
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Cutting>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, Cutting>) -> Self {
        stream.io().scissors.clone()
    }
}

/// Serves the router on connections that faults can cut.
pub(crate) async fn serve(
    listener: TcpListener,
    router: axum::Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let service = router.into_make_service_with_connect_info::<Scissors>();
    axum::serve(Cutting(listener), service)
        .with_graceful_shutdown(shutdown)
        .await
}
