//! Texts made of pieces of others: most of what is random is refused at its first character.

use std::ops::Range;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// At most so many pieces are put in.
const MOST_EDITS: usize = 6;
/// A piece has fewer characters.
const LONGEST: usize = 40;

/// A piece of a text: where it begins, and how long it is.
type Piece = (Index, usize);

/// What is put in the place of a piece.
#[derive(Debug, Clone)]
enum Donor {
    /// A piece of another text.
    Other(Index, Piece),
    /// Characters that may be in none.
    New(String),
}

/// Texts from the corpus with some pieces replaced.
pub(super) fn spliced(corpus: Arc<[Vec<char>]>) -> impl Strategy<Value = String> {
    let edits = vec((piece(), donor()), 0..MOST_EDITS);
    (any::<Index>(), edits).prop_map(move |(first, edits)| {
        let mut text = first.get(&corpus).clone();
        for (at, donor) in edits {
            let new = taken(&corpus, donor);
            let range = place(&text, at);
            text.splice(range, new);
        }
        text.into_iter().collect()
    })
}

fn piece() -> impl Strategy<Value = Piece> {
    (any::<Index>(), 0..LONGEST)
}

fn donor() -> impl Strategy<Value = Donor> {
    let other = (any::<Index>(), piece()).prop_map(|(text, piece)| Donor::Other(text, piece));
    let new = vec(any::<char>(), 0..4).prop_map(|new| Donor::New(new.into_iter().collect()));
    prop_oneof![4 => other, 1 => new]
}

fn taken(corpus: &[Vec<char>], donor: Donor) -> Vec<char> {
    match donor {
        Donor::Other(text, piece) => {
            let text = text.get(corpus);
            text[place(text, piece)].to_vec()
        }
        Donor::New(new) => new.chars().collect(),
    }
}

fn place(text: &[char], (begin, length): Piece) -> Range<usize> {
    let begin = begin.index(text.len() + 1);
    begin..text.len().min(begin + length)
}
