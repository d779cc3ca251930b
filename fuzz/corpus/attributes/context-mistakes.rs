#[context(crat = vtask)]
struct Order<'a, 'b> { #[context(keywrd)] id: &'a u64, #[context(keyword, keyword)] cents: u64, #[context()] x: u8, #[context] y: u8 }
