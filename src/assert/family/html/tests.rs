//! Pages and signs.

use super::*;

#[test]
fn pages_are_read_as_browsers_read_them() {
    for text in [
        "<p>a<p>b",
        "\u{feff}\u{a0}<p>x</p>",
        "<body>text",
        "<HTML>",
        "<head></head>",
        "<title>T</title>",
        "<x-y/>",
        "<foo><b>x</b></foo>",
        "<noscript>no</noscript>",
        "<script>if (a < b) { x(); }",
        "<table><tr><td>x</table>",
        "<template>x</template>",
        "<svg><path/></svg>",
    ] {
        assert_eq!(lacks(text).unwrap(), None, "{text}");
    }
    for (text, came) in [
        ("\u{feff}", "there is nothing in it"),
        ("<?XML?><p>x</p>", "it is XML"),
        ("<p>x</p> y", "it has text outside of tags"),
        ("<table>x</table>", "it has text outside of tags"),
        ("x<body>", "it has text outside of tags"),
        ("<td>x</td>", "it has text outside of tags"),
        ("<b></b>x", "it has text outside of tags"),
        ("<!DOCTYPE html>", "it has no HTML element"),
        ("<center>x</center>", "it has no HTML element"),
        ("<!-- <p> -->", "it has no HTML element"),
    ] {
        assert_eq!(lacks(text).unwrap(), Some(came), "{text}");
    }
}

#[test]
fn hostile_pages_end() {
    for unit in ["<div>", "<b>", "<p>", "<a href=x>", "<table>", "</x>", "<", "&", "<!--", "<svg>", "<select>", "x<br>"]
    {
        let _ = lacks(&unit.repeat(200_000 / unit.len()));
    }
    let keys: String = (0..50_000).map(|i| format!(" k{i}")).collect();
    assert!(lacks(&format!("<a{keys}>")).is_err());
    let formats: String = (0..10_000).map(|i| format!("<b k{i}>")).collect();
    assert!(lacks(&formats).is_err());
    assert_eq!(lacks(&format!("<p>{}", "x ".repeat(100_000))), Ok(None));
    assert_eq!(lacks(&format!("{}x", "<div>".repeat(3_000))), Ok(None));
}
