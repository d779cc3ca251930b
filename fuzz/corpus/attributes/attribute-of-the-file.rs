#![context(crate = x)]
struct Order { #[context(keyword)] id: u32 }
