//! Documents, fragments and paths.

use roxmltree::{Document, ParsingOptions};

use super::*;

fn faults(text: &str) -> Option<&'static str> {
    document::read(text).err().map(|fault| fault.what)
}

#[test]
fn documents_are_well_formed_or_not() {
    for text in [
        "<a/>",
        "\u{feff}<?xml version='1.0' encoding=\"UTF-8\" standalone='yes' ?>\n<a b=\"1\" c='>'>x > y</a>\n<!-- c -->",
        "<a>&amp;&lt;&#65;&#x1F600;<![CDATA[ < & ]]></a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a PUBLIC \"-//X\" 'x'><a>&nbsp;</a>",
        "<p:a p:b=''/>",
        "<?pi?><a><?pi x?></a >",
        "<é·1/>",
    ] {
        assert_eq!(faults(text), None, "{text}");
    }
    for text in [
        "",
        " ",
        "x",
        "<a/><b/>",
        "<a>",
        "</a>",
        "<a></b>",
        "<a/>x",
        "x<a/>",
        "<a>&</a>",
        "<a>&nbsp;</a>",
        "<a>&#0;</a>",
        "<a>]]></a>",
        "<a><![CDATA[</a>",
        "<![CDATA[]]><a/>",
        "<a b/>",
        "<a b=1/>",
        "<a b='<'/>",
        "<a b=''c=''/>",
        "<a b='' b=''/>",
        "<a / >",
        "<a></ a>",
        "<a></a b=''>",
        "< a/>",
        "<a><!-- -- --></a>",
        "<!-- --->",
        "<!DOCTYPE a>",
        "<a/><!DOCTYPE a>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM><a/>",
        "<!doctype a><a/>",
        "<?xml version='1.0' standalone='yes'?><!DOCTYPE a SYSTEM 'a'><a>&x;</a>",
        " <?xml version='1.0'?><a/>",
        "<?xml encoding='x' version='1.0'?><a/>",
        "<?xml version='2'?><a/>",
        "<a><?xml version='1.0'?></a>",
        "<a>\0</a>",
        "<a>&#xD800;</a>",
        "<1a/>",
        "<a>\u{fffe}</a>",
        "<!ELEMENT a><a/>",
        "<? a?><a/>",
    ] {
        assert!(faults(text).is_some(), "{text}");
    }
}

#[test]
fn paths_lead_as_in_the_json_of_fast_xml_parser() {
    let text = "<?xml version='1.0'?><r k='1' n:k=''>x<i><k>1</k></i><i/>\
                <one z='1'> </one><two>x</two><q><![CDATA[x]]><s/></q><?pi?></r>";
    let tree = document::read(text).unwrap();
    for path in [
        "r",
        "r.@_k",
        "r.@_n:k",
        "r.#text",
        "r.i",
        "r.i.0.k",
        "r.i.1",
        "r.one",
        "r.one.@_z",
        "r.two",
        "r.q.#text",
        "?xml",
        "?xml.@_version",
        "r.?pi",
    ] {
        assert!(tree.leads(document::ROOT, path), "{path}");
    }
    for path in [
        "x",
        "i",
        "r.i.k",
        "r.i.2",
        "r.i.00",
        "r.i.+0",
        "r.one.#text",
        "r.two.#text",
        "r.two.0",
        "r.@_k.x",
        "r.@_z",
        "k",
    ] {
        assert!(!tree.leads(document::ROOT, path), "{path}");
    }
}

#[test]
fn fragments_stand_anywhere() {
    for (text, paths, holds) in [
        ("see <a title=\"x > y\">z</a>.", &["a"][..], true),
        ("`<a/>` and `<b><c/></b>`", &["a", "b.c"], true),
        ("<a><x/></a> <a/>", &["a.x"], false),
        ("<a><x/></a> <a/>", &["a.0.x"], true),
        ("<a/></x><b/>", &["a", "b"], false),
        ("<a/></x><b/>", &["b"], true),
        ("one<br>two <b/>", &["b"], true),
        ("<a>x & <b/></a>", &["b"], true),
        ("<a>x & <b/></a>", &["a"], false),
        ("if a<b and <c/>", &["c"], true),
        ("<a>1 < 2</a>", &[], false),
        ("<a k=1></a>", &[], false),
        ("<a>&nbsp;</a>", &[], true),
        ("<!-- <a/> -->", &[], false),
        ("<!-- <a/>", &[], false),
        ("<![CDATA[<a/>]]>", &[], false),
        ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", &["a"], true),
        ("<a><?pi x?></a>", &["a.?pi"], true),
        ("<a><?xml version='1.0'?></a>", &[], false),
        ("<ul><li>a<li>b</ul>", &[], false),
    ] {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        assert_eq!(lacks_inside(text, &paths).is_none(), holds, "{text} {paths:?}");
    }
}

#[test]
fn faults_have_a_place() {
    assert_eq!(
        lacks("<a>\n  <é/><b>&x;</b></a>", &[]).unwrap(),
        "line 2, column 10 has a reference to an entity that XML does not know"
    );
    assert_eq!(lacks("<a/>", &["a.b".into()]).unwrap(), "it has no a.b");
}

#[test]
fn hostile_texts_take_one_pass() {
    const MANY: usize = 100_000;
    let nested = format!("{}{}", "<a>".repeat(MANY), "</a>".repeat(MANY));
    assert!(lacks(&nested, &["a.a".into()]).is_none() && lacks_inside(&nested, &["a.a".into()]).is_none());
    for unit in
        ["<", "<a>", "<a ", "<a '", "<!--", "<![CDATA[", "<?", "<!", "<!DOCTYPE a [", "&", "</a>", "<a/>", "<a>&"]
    {
        let text = unit.repeat(1_000_000 / unit.len());
        assert!(lacks(&text, &[]).is_some(), "{unit}");
        lacks_inside(&text, &[]);
    }
    let keys: String = (0..MANY).map(|i| format!(" k{i}=''")).collect();
    assert!(lacks(&format!("<a{keys}/>"), &["a.@_k9".into()]).is_none());
}

proptest::proptest! {
    /// An independent parser agrees, except that it minds name spaces, which XML 1.0 does not know.
    #[test]
    fn a_second_parser_agrees(text in "(<a>|</a>|<b k='1'>|</b>|<c/>|x|&amp;|&|<!-- c -->|<!--|\\]\\]>|<\\?p q\\?>|<|>|'| ){0,12}") {
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let other = Document::parse_with_options(&text, options);
        proptest::prop_assert_eq!(document::read(&text).is_ok(), other.is_ok(), "{:?}", other.err());
    }
}
