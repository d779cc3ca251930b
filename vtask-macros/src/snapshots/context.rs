//- a keyword of one field
#[derive(JobContext)]
struct Order { #[context(keyword)] id: u64, cents: u64 }
//- generic, of a tuple, with another crate
#[context(crate = my::vtask)]
struct Bill<T: Clone, const N: usize>(#[context(keyword)] u64, T, #[context(keyword)] String) where T: Send;
//- no keyword
enum Kind { One, Two(u8) }
