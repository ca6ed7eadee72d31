use std::io;

use bytes::Buf as _;
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message,
        protocol::{
            Role, WebSocketConfig,
            frame::{
                FrameHeader,
                coding::{Data, OpCode},
            },
        },
    },
};

/// The default takes 128 KiB of every connection; what clients say is small.
const READ_BUFFER: usize = 1024;
/// To copy a text of so many bytes costs less than to have the kernel gather its parts.
const SMALL: usize = 4096;
/// The longest header of a frame from a server.
const HEADER: usize = 10;

/// A client's WebSocket.
///
/// Reading it, and frames of control, are the library's. It would copy each text into a buffer that never shrinks again,
/// so a text is written past it: the header, and then its parts from where they lie.
#[derive(Debug)]
pub(super) struct Connection {
    stream: WebSocketStream<TokioIo<Upgraded>>,
    /// Whether the library may have something to say by itself.
    owes: bool,
}

impl Connection {
    /// `largest`: bytes of a message that is taken.
    pub(super) async fn new(upgraded: Upgraded, largest: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_frame_size(Some(largest))
            .max_message_size(Some(largest));
        let io = TokioIo::new(upgraded);
        Self { stream: WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await, owes: false }
    }

    /// What the client says next; `None` when it has left. Nothing is lost where this is not waited for to the end.
    pub(super) async fn receive(&mut self) -> Option<Result<Message, Error>> {
        let received = self.stream.next().await;
        self.owes |= matches!(received, Some(Ok(Message::Ping(_) | Message::Close(_))));
        received
    }

    /// Sends a frame of control.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Error> {
        self.owes = true;
        self.stream.send(message).await?;
        self.owes = false;
        Ok(())
    }

    /// Sends what the library has to say by itself: answers to pings, and to a close frame.
    pub(super) async fn flush(&mut self) -> Result<(), Error> {
        if self.owes {
            self.stream.flush().await?;
            self.owes = false;
        }
        Ok(())
    }

    /// Sends a text of these parts. The connection is of no use where that is not waited for to the end.
    pub(super) async fn text(&mut self, head: &str, middle: &str, tail: &str) -> io::Result<()> {
        // Between two frames, and not in the middle of one.
        self.flush().await.map_err(io::Error::other)?;
        let length = head.len() + middle.len() + tail.len();
        let in_one = if length <= SMALL { length } else { head.len() };
        let mut start = Vec::with_capacity(HEADER + in_one);
        let header =
            FrameHeader { is_final: true, opcode: OpCode::Data(Data::Text), ..FrameHeader::default() };
        header.format(length as u64, &mut start).map_err(io::Error::other)?;
        start.extend_from_slice(head.as_bytes());
        let io = self.stream.get_mut();
        if length <= SMALL {
            start.extend_from_slice(middle.as_bytes());
            start.extend_from_slice(tail.as_bytes());
            io.write_all(&start).await?;
        } else {
            let mut frame = start.as_slice().chain(middle.as_bytes()).chain(tail.as_bytes());
            io.write_all_buf(&mut frame).await?;
        }
        io.flush().await
    }
}
