#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| vtask_fuzz::rows::look_at(text));
