//! What we say to a worker and what it answers: a line of JSON each.

use std::io;

use memchr::memchr;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::foreign::{Foreign, Lesson};
use crate::script::engine::Arg;
use crate::script::trouble::{ScriptError, Trouble};

/// Bytes that an answer may take around its result or its error.
const FRAME: u64 = 64 << 10;
/// Bytes that are held for the next answer.
const ROOM: usize = 64 << 10;

/// What is asked of a worker.
#[derive(Debug, Clone, Copy)]
pub(super) enum Request<'a> {
    /// To find mistakes in a script.
    Check(&'a Foreign),
    /// To compile a script and remember it.
    Load(&'a Foreign),
    /// To run a script that it remembers.
    Call(&'a Foreign, &'a [Arg<'a>]),
}

/// Everything but the arguments, which may be large and are not copied.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Head<'a> {
    Check(Lesson<'a>),
    Load(Lesson<'a>),
}

/// What a worker answers.
#[derive(Deserialize)]
struct Answer<'a> {
    number: u64,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Fault>,
}

/// What a worker says of a script that came to no result.
#[derive(Debug, Deserialize)]
pub(super) struct Fault {
    trouble: Trouble,
    message: String,
    /// Where; without a file it is the script itself.
    file: Option<String>,
    line: Option<u32>,
}

impl Fault {
    /// The error of a script.
    pub(super) fn of(self, script: &Foreign) -> ScriptError {
        let place = match self.line {
            Some(line) => script.place(self.file.as_deref(), line),
            None => script.name().to_owned(),
        };
        ScriptError::new(self.trouble, self.message).at(place)
    }
}

impl<'a> Request<'a> {
    /// The script that it is about.
    pub(super) fn script(self) -> &'a Foreign {
        match self {
            Self::Check(script) | Self::Load(script) | Self::Call(script, _) => script,
        }
    }

    /// Writes it as a line.
    pub(super) async fn write(self, number: u64, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        let (script, args) = match self {
            Self::Check(script) => return write_head(number, &Head::Check(script.lesson()), to).await,
            Self::Load(script) => return write_head(number, &Head::Load(script.lesson()), to).await,
            Self::Call(script, args) => (script, args),
        };
        to.write_all(format!("{{\"number\":{number},\"call\":\"{}\",\"args\":[", script.id()).as_bytes()).await?;
        for (n, arg) in args.iter().enumerate() {
            if n > 0 {
                to.write_all(b",").await?;
            }
            write_arg(arg, to).await?;
        }
        to.write_all(b"]}\n").await?;
        to.flush().await
    }
}

async fn write_head(number: u64, head: &Head<'_>, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    let head = serde_json::to_string(head)?;
    to.write_all(format!("{{\"number\":{number},{}\n", head.trim_start_matches('{')).as_bytes()).await?;
    to.flush().await
}

async fn write_arg(arg: &Arg<'_>, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    match arg {
        Arg::Text(text) => to.write_all(&serde_json::to_vec(text)?).await,
        Arg::Nothing => to.write_all(b"null").await,
        // In JSON a line break is a blank, and nothing else.
        Arg::Json(json) if memchr(b'\n', json.as_bytes()).is_some() => {
            to.write_all(json.replace('\n', " ").as_bytes()).await
        }
        Arg::Json(json) => to.write_all(json.as_bytes()).await,
    }
}

/// Reads the answer of this number, whose result may have so many bytes. What else comes is none of ours:
/// what a program prints before it starts, or what a script that found our pipe wrote into it.
///
/// # Errors
/// When there will be none.
pub(super) async fn read(
    number: u64,
    most: u64,
    from: &mut (impl AsyncBufRead + Unpin),
    line: &mut Vec<u8>,
) -> io::Result<Result<Value, Fault>> {
    loop {
        line.clear();
        line.shrink_to(ROOM);
        let length = (&mut *from).take(most + FRAME).read_until(b'\n', line).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if line.last() != Some(&b'\n') && length as u64 == most + FRAME {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if let Ok(answer) = serde_json::from_slice::<Answer<'_>>(line)
            && answer.number == number
        {
            return Ok(result(answer));
        }
    }
}

fn result(answer: Answer<'_>) -> Result<Value, Fault> {
    match (answer.error, answer.result) {
        (Some(fault), _) => Err(fault),
        (None, None) => Ok(Value::Null),
        (None, Some(raw)) => serde_json::from_str(raw.get()).map_err(|error| Fault {
            trouble: Trouble::NoResult,
            message: format!("it returned what cannot be read: {error}"),
            file: None,
            line: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;
    use crate::script::worker::PYTHON;

    async fn written(request: Request<'_>) -> Value {
        let mut bytes = Vec::new();
        request.write(7, &mut bytes).await.unwrap();
        assert_eq!(memchr(b'\n', &bytes), Some(bytes.len() - 1), "one line");
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn requests_are_lines() {
        let inline = Foreign::inline(&PYTHON, "1\n2", "it", &["output"]);
        let id = inline.id().to_string();
        assert_eq!(
            written(Request::Load(&inline)).await,
            json!({"number": 7, "load": {"id": id, "name": "it", "text": "1\n2", "parameters": ["output"]}})
        );
        let args = [Arg::Text("a\n\""), Arg::Json("{\n\"a\": 1}"), Arg::Nothing];
        assert_eq!(
            written(Request::Call(&inline, &args)).await,
            json!({"number": 7, "call": id, "args": ["a\n\"", {"a": 1}, null]})
        );
        let file = Foreign::file(Path::new("/a.py"), "a.py", Some("f"), &["g"]);
        assert_eq!(
            written(Request::Check(&file)).await["check"],
            json!({"id": file.id().to_string(), "name": "a.py", "path": "/a.py", "function": "f", "defaults": ["g"]})
        );
    }

    #[tokio::test]
    async fn the_answer_is_found_among_other_lines() {
        let said = b"hello\n{\"number\":1,\"result\":1}\n\xff\n{\"number\":2,\"result\":[2]}\n{\"number\":2";
        let (mut from, mut line) = (&said[..], Vec::new());
        assert_eq!(read(2, 100, &mut from, &mut line).await.unwrap().unwrap(), json!([2]));
        assert!(read(3, 100, &mut from, &mut line).await.is_err());
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_awaited() {
        let (mut from, mut line) = (tokio::io::BufReader::new(tokio::io::repeat(b'x')), Vec::new());
        let error = read(1, 100, &mut from, &mut line).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    }
}
