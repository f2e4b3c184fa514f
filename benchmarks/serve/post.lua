-- For wrk: each request is a text of 32 tokens.
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.body = '{"prompt": "It was a dark and stormy night", "max_tokens": 32, "seed": 7}'
