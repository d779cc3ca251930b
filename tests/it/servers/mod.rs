//! What holds on every database alike, and what a start says of one that does not serve.

mod connection;
mod join;
mod killed;
mod limits;
mod locks;
mod login;
mod migrate;
mod prefix;
mod proxy;
mod purge;
mod reach;
mod reads;
mod refusal;
mod rights;
mod row;
mod schema;
mod session;
mod silence;
mod times;
