#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| vtask_fuzz::arguments::check(text));
