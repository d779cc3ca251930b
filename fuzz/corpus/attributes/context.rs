#[context(crate = my::vtask)]
struct Bill<T: Clone, const N: usize>(#[context(keyword)] u64, T, #[context(keyword)] String) where T: Send;
