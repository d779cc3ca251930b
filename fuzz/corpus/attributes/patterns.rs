impl A {
    #[step]
    async fn a(&self, Order { id, .. }: &Order, _: &Attempt, mut x: &Order, ref y: &Order) -> R<u8> {}
}
