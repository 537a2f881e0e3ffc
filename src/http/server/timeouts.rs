//! How long a connection is waited for.
//!
//! A client that sends the head of a request byte by byte, or that never reads its answer, holds a connection for
//! nothing ("slow loris"). hyper has one timer for a head and for the pause before it, but the two differ: a head comes
//! within seconds, while a client or proxy keeps a connection for its next request for a minute. The time that a body
//! may take is bounded where it is read ([`crate::http::request::json`]).

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::idle_sockets::IdleTime;
use super::write_progress::WriteProgress;

/// For how long what is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// From the first byte of a head, or from the connection's beginning, to the head's end. Also for how long a client
    /// may take nothing of its answer.
    pub head: Duration,
    /// From one request's end, or the last byte of an answer that the client took, to the next request.
    pub idle: Duration,
}

/// How long a client that is told to go may take to stop sending. To close before would reset the connection, and the
/// client would lose the answer that it has not read yet.
const LINGER: Duration = Duration::from_secs(2);

const HEAD: u8 = 0;
const BUSY: u8 = 1;
const IDLE: u8 = 2;
const LAST: u8 = 3;
const LINGERING: u8 = 4;

/// What a connection is waiting for, as far as the server knows.
#[derive(Debug, Clone)]
pub struct SocketPhase(Arc<AtomicU8>);

impl SocketPhase {
    /// A request has come and is being answered.
    pub fn busy(&self) {
        self.0.store(BUSY, Ordering::Relaxed);
    }

    /// It is answered, and the client is told that no other will be.
    pub fn last(&self) {
        self.0.store(LAST, Ordering::Relaxed);
    }

    /// It is answered.
    pub fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }
}

/// A connection that fails when the client takes too long.
#[derive(Debug)]
pub struct TimeoutStream {
    stream: TcpStream,
    timeouts: Timeouts,
    phase: SocketPhase,
    idle: IdleTime,
    /// For which phase the timer runs, if it does.
    runs: Option<u8>,
    timer: Pin<Box<Sleep>>,
    writing: WriteProgress,
}

impl TimeoutStream {
    /// Waits for the first head.
    #[must_use]
    pub fn new(stream: TcpStream, timeouts: Timeouts, idle: IdleTime) -> (Self, SocketPhase) {
        let phase = SocketPhase(Arc::new(AtomicU8::new(HEAD)));
        let timer = Box::pin(tokio::time::sleep(timeouts.head));
        let writing = WriteProgress::new(timeouts.head);
        (Self { stream, timeouts, phase: phase.clone(), idle, runs: Some(HEAD), timer, writing }, phase)
    }

    /// Called when there is nothing to read: fails when that has lasted too long.
    fn wait<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let phase = self.phase.0.load(Ordering::Relaxed);
        let timeouts = match phase {
            BUSY => {
                self.runs = None;
                return Poll::Pending;
            }
            // The pause begins when the answer is sent.
            IDLE | LAST if self.writing.is_writing() => {
                self.runs = None;
                return Poll::Pending;
            }
            IDLE | LAST => self.timeouts.idle,
            _ => self.timeouts.head,
        };
        if self.runs != Some(phase) {
            self.runs = Some(phase);
            self.timer.as_mut().reset(Instant::now() + timeouts);
        }
        ready!(self.timer.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn written(&mut self, context: &mut Context<'_>, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if result.is_pending() {
            self.idle.end();
        }
        self.writing.check(context, &result)?;
        result
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, into);
        if result.is_pending() {
            return self.wait(context);
        }
        if into.filled().len() > before {
            self.idle.end();
        }
        if into.filled().len() > before && self.phase.0.load(Ordering::Relaxed) == IDLE {
            self.phase.0.store(HEAD, Ordering::Relaxed);
            self.runs = None;
        }
        result
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when the socket has taken all that there was to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let phase = self.phase.0.load(Ordering::Relaxed);
        if flushed.is_ready() && phase == IDLE {
            self.idle.begin();
        }
        if flushed.is_ready() && self.writing.is_writing() {
            self.writing.finish();
            // The pause begins with the last byte. The timer must be started here, since hyper does not try to read
            // before there is something to read.
            if matches!(phase, IDLE | LAST) {
                self.runs = None;
                let _started: Poll<io::Result<()>> = self.wait(context);
            }
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
        if self.phase.0.load(Ordering::Relaxed) != LAST {
            return Poll::Ready(Ok(()));
        }
        if self.runs != Some(LINGERING) {
            self.runs = Some(LINGERING);
            self.timer.as_mut().reset(Instant::now() + LINGER);
        }
        let mut unread = [MaybeUninit::uninit(); 4_096];
        // A stream without end must not keep this task from the others: the timer is looked at each time.
        while self.timer.as_mut().poll(context).is_pending() {
            let mut unread = ReadBuf::uninit(&mut unread);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut unread))?;
            if unread.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}
