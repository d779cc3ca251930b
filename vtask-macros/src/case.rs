//! Snake case, for the default name of a job.

/// Turns `PlaceOrder` into `place_order`, and `HTTPCall` into `http_call`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        if index > 0 && starts_word(&letters, index) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Says whether the letter at `index`, which is not the first, begins a word.
fn starts_word(letters: &[char], index: usize) -> bool {
    let (before, after) = (letters[index - 1], letters.get(index + 1));
    letters[index].is_uppercase()
        && before != '_'
        && (!before.is_uppercase() || after.is_some_and(|after| after.is_lowercase()))
}
