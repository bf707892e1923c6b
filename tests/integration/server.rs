//! A loopback server that answers what a test tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// A connection, with or without TLS.
pub trait Wire: Read + Write {
    fn socket(&self) -> &TcpStream;
}

impl Wire for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl Wire for StreamOwned<ServerConnection, TcpStream> {
    fn socket(&self) -> &TcpStream {
        &self.sock
    }
}

type Script = Box<dyn FnOnce(&mut dyn Wire) + Send>;

/// What goes over the wire.
pub enum Reply {
    /// Status, extra header lines, body.
    Http(u16, &'static str, String),
    /// Raw bytes for ever, after a header.
    Endless,
    /// A header that promises more than comes.
    Truncated,
    /// Whatever this writes; the connection is closed after it.
    Script(Script),
}

type Handler = dyn Fn(usize, &Value) -> Reply + Send + Sync;

pub struct Server {
    port: u16,
    secure: bool,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    count: AtomicUsize,
    bodies: Mutex<Vec<Value>>,
    heads: Mutex<Vec<String>>,
}

/// The body of a good chat completion.
pub fn completion(content: &str) -> String {
    let body = json!({
        "model": "m", "choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    });
    body.to_string()
}

/// A good chat completion.
pub fn answer(content: &str) -> Reply {
    Reply::Http(200, "", completion(content))
}

impl Server {
    /// Serves until the test ends; `handler` gets the number of the request (from 0) and its body.
    pub fn start(handler: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(None, Arc::new(handler))
    }

    /// The same with TLS.
    pub fn secure(config: ServerConfig, handler: impl Fn(usize, &Value) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve(Some(Arc::new(config)), Arc::new(handler))
    }

    fn serve(tls: Option<Arc<ServerConfig>>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Self { port, secure: tls.is_some(), seen: Arc::default() };
        let seen = server.seen.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let (handler, seen, tls) = (handler.clone(), seen.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => converse(stream, &seen, &*handler),
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        converse(StreamOwned::new(connection, stream), &seen, &*handler);
                    }
                });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}/v1", if self.secure { "https" } else { "http" }, self.port)
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> usize {
        self.seen.count.load(Ordering::SeqCst)
    }

    pub fn bodies(&self) -> Vec<Value> {
        self.seen.bodies.lock().unwrap().clone()
    }

    pub fn heads(&self) -> Vec<String> {
        self.seen.heads.lock().unwrap().clone()
    }
}

/// Answers the requests of one connection.
fn converse(stream: impl Wire, seen: &Seen, handler: &Handler) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = request(&mut reader) {
        let number = seen.count.fetch_add(1, Ordering::SeqCst);
        seen.heads.lock().unwrap().push(head);
        seen.bodies.lock().unwrap().push(body.clone());
        if !send(reader.get_mut(), handler(number, &body)) {
            return;
        }
    }
}

fn request(reader: &mut BufReader<impl Read>) -> Option<(String, Value)> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line == "\r\n" {
            break;
        }
        head += &line;
    }
    let length = head
        .lines()
        .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse().unwrap_or(0)))
        .unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Whether the connection may be used again.
fn send(stream: &mut impl Wire, reply: Reply) -> bool {
    match reply {
        Reply::Http(status, extra, body) => {
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{extra}\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).is_ok()
        }
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n");
            while stream.write_all(&vec![b'x'; 65536]).is_ok() {}
            false
        }
        Reply::Truncated => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{\"choices\":");
            false
        }
        Reply::Script(write) => {
            write(stream);
            false
        }
    }
}
