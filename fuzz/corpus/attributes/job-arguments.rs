name = "order", was = ["purchase"], migrate = crate::mend, concurrency = 8, retry = always, crate = ::vtask
