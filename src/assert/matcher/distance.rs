//! Edit distance in UTF-16 units, no further than asked.

/// Cells of the table that may be filled before the comparison is given up.
const WORK: usize = 1_000_000_000;

/// The Levenshtein distance, or `None` when it exceeds `limit`. The cost is the length times the
/// distance, not the length times the length.
///
/// # Errors
/// When both texts are long and too different.
pub fn levenshtein(a: &str, b: &str, limit: usize) -> Result<Option<usize>, String> {
    if a == b {
        return Ok(Some(0));
    }
    if a.is_ascii() && b.is_ascii() {
        return widening(a.as_bytes(), b.as_bytes(), limit);
    }
    let (a, b): (Vec<u16>, Vec<u16>) = (a.encode_utf16().collect(), b.encode_utf16().collect());
    widening(&a, &b, limit)
}

/// Tries narrow bands first, so that similar texts are cheap whatever the limit.
fn widening<T: PartialEq>(a: &[T], b: &[T], limit: usize) -> Result<Option<usize>, String> {
    let (a, b) = trim(a, b);
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let limit = limit.min(long.len());
    if long.len() - short.len() > limit {
        return Ok(None);
    }
    let mut width = 8.max(long.len() - short.len()).min(limit);
    let mut work = 0_usize;
    loop {
        work = work.saturating_add(short.len().saturating_mul(2 * width + 1));
        if work > WORK {
            return Err(format!("two texts of {} and {} units are too long to compare", short.len(), long.len()));
        }
        if let Some(distance) = banded(short, long, width) {
            return Ok(Some(distance));
        }
        if width == limit {
            return Ok(None);
        }
        width = (width * 2).min(limit);
    }
}

/// Without what both begin and end with.
fn trim<'a, T: PartialEq>(a: &'a [T], b: &'a [T]) -> (&'a [T], &'a [T]) {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    (&a[..a.len() - same], &b[..b.len() - same])
}

/// The distance when it is at most `width`: only cells that near the diagonal are filled.
fn banded<T: PartialEq>(short: &[T], long: &[T], width: usize) -> Option<usize> {
    let far = width + 1;
    // `row[j]` is the distance between the first `i` of `short` and the first `j` of `long`.
    let mut row: Vec<usize> = (0..=long.len()).map(|j| j.min(far)).collect();
    for (i, unit) in short.iter().enumerate() {
        let from = (i + 1).saturating_sub(width).max(1);
        let to = (i + 1 + width).min(long.len());
        let mut diagonal = row[from - 1];
        row[from - 1] = if from == 1 { (i + 1).min(far) } else { far };
        let mut nearest = row[from - 1];
        for j in from..=to {
            let change = diagonal + usize::from(*unit != long[j - 1]);
            // The cell above the band's right edge was never filled in this round's terms.
            let above = if j == i + 1 + width { far } else { row[j] };
            diagonal = row[j];
            row[j] = change.min(above + 1).min(row[j - 1] + 1).min(far);
            nearest = nearest.min(row[j]);
        }
        if nearest > width {
            return None;
        }
    }
    row.last().copied().filter(|distance| *distance <= width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cheap() {
        let a = "lorem ipsum ".repeat(90_000);
        let b = format!("{a}!").replacen("ipsum", "ipse", 3);
        assert_eq!(levenshtein(&a, &b, 5), Ok(None));
        assert_eq!(levenshtein(&a, &b, 50), Ok(Some(7)));
        assert_eq!(levenshtein(&a, "", 5), Ok(None));
        assert!(levenshtein(&a, &a.chars().rev().collect::<String>(), usize::MAX).is_err());
    }

    #[test]
    fn counts_utf16_units() {
        assert_eq!(levenshtein("😀", "", 5), Ok(Some(2)));
        assert_eq!(levenshtein("😀", "😁", 5), Ok(Some(1)));
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_strsim(a in "[abc😀é]{0,40}", b in "[abc😀é]{0,40}", limit in 0_usize..50) {
            let (ua, ub): (Vec<u16>, Vec<u16>) = (a.encode_utf16().collect(), b.encode_utf16().collect());
            let truth = strsim::generic_levenshtein(&ua, &ub);
            let expected = (truth <= limit).then_some(truth);
            proptest::prop_assert_eq!(levenshtein(&a, &b, limit), Ok(expected));
        }

        #[test]
        fn agrees_on_near_texts(a in "[ab]{0,200}", cut in 0_usize..200, limit in 0_usize..30) {
            let b: String = a.chars().enumerate().filter(|(i, _)| i % 37 != cut % 37).map(|(_, c)| c).collect();
            let truth = strsim::levenshtein(&a, &b);
            proptest::prop_assert_eq!(levenshtein(&a, &b, limit), Ok((truth <= limit).then_some(truth)));
        }
    }
}
