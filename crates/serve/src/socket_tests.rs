//! Tests of OpenAI's addresses over a real socket.

use std::collections::BTreeMap;
use std::io::Read;

use generate::Sampling;
use serde_json::{Value, json};

use crate::test_server::{COMPLETIONS, TestServer, one};

#[test]
fn a_seeded_text_is_the_same_alone_and_among_others_that_come_and_go() {
    let server = TestServer::start(|options| options);
    let generator = one();
    let expected = |seed: u64, number: u64| {
        let sampling = Sampling::default().max_tokens(60).seed(seed);
        generator.sample("the fox", &sampling, number).unwrap().text
    };
    std::thread::scope(|scope| {
        for seed in 0..12u64 {
            let (server, expected) = (&server, &expected);
            scope.spawn(move || {
                let body = json!({ "prompt": "the fox", "max_tokens": 60, "seed": seed, "n": 2 });
                for round in 0..4 {
                    if (seed + round) % 3 == 0 {
                        // A reader that goes away after the first bytes.
                        let long = json!({ "prompt": "a crow", "max_tokens": 4000, "stream": true });
                        let mut stream = server.begin(COMPLETIONS, &long);
                        stream.read_exact(&mut [0; 200]).unwrap();
                    }
                    let answer = server.ask(COMPLETIONS, &body).json();
                    for number in 0..2 {
                        let choice = &answer["choices"][number];
                        assert_eq!(choice["text"], expected(seed, number as u64), "{seed} {number}");
                        assert_eq!((&choice["index"], &choice["finish_reason"]), (&json!(number), &json!("length")));
                    }
                    assert_eq!(answer["usage"]["completion_tokens"], 120);
                }
            });
        }
    });
}

#[test]
fn answers_of_all_kinds_are_the_same_alone_and_among_others() {
    let server = TestServer::start(|options| options);
    let long = "the fox saw a crow and ".repeat(200);
    let bodies: Vec<(&str, Value)> = (0..4u64)
        .flat_map(|seed| {
            [
                (COMPLETIONS, json!({ "prompt": long, "max_tokens": 30, "seed": seed })),
                (
                    COMPLETIONS,
                    json!({ "model": "blend:one=2,two=1", "prompt": ["a", "the"], "max_tokens": 30, "seed": seed }),
                ),
                (COMPLETIONS, json!({ "prompt": "the fox", "max_tokens": 30, "seed": seed, "logprobs": 3, "n": 3 })),
                (COMPLETIONS, json!({ "prompt": long, "max_tokens": 0, "echo": true, "logprobs": 1 })),
                (COMPLETIONS, json!({ "prompt": "a", "max_tokens": 30, "seed": seed, "max_copied": 3 })),
                ("/api/next", json!({ "text": long, "k": 5 })),
                ("/api/next", json!({ "text": "wolf", "model": "other" })),
            ]
        })
        .collect();
    let ask = |(path, body): &(&str, Value)| {
        let answer = server.ask(path, body).json();
        if *path == COMPLETIONS { answer["choices"].clone() } else { answer["next"].clone() }
    };
    let alone: Vec<Value> = bodies.iter().map(ask).collect();
    assert!(alone.iter().all(|answer| answer.is_array()));
    std::thread::scope(|scope| {
        for first in 0..8 {
            let (bodies, alone, ask, server) = (&bodies, &alone, &ask, &server);
            scope.spawn(move || {
                for at in (first..bodies.len()).chain(0..first).step_by(5) {
                    // A reader that goes away.
                    let gone = json!({ "prompt": bodies[at].1["prompt"], "max_tokens": 4000, "stream": true });
                    let _ = server.begin(COMPLETIONS, &gone).read(&mut [0; 100]);
                    assert_eq!(ask(&bodies[at]), alone[at], "{:?}", bodies[at]);
                }
            });
        }
    });
}

#[test]
fn a_streamed_text_is_that_of_the_whole_answer() {
    let server = TestServer::start(|options| options);
    let mut body = json!({
        "prompt": ["the fox", "a crow saw"], "max_tokens": 20, "seed": 3, "stop": [". and", "not a word of it"], "echo": true,
    });
    let whole = server.ask(COMPLETIONS, &body).json();
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    let answer = server.ask(COMPLETIONS, &body);
    assert!(answer.headers.contains("content-type: text/event-stream"), "{}", answer.headers);
    let events = answer.events();
    let (last, events) = events.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    let mut texts: BTreeMap<u64, String> = BTreeMap::new();
    let mut reasons = BTreeMap::new();
    let mut usage = Value::Null;
    for event in events {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["object"], "text_completion");
        for choice in event["choices"].as_array().unwrap() {
            let index = choice["index"].as_u64().unwrap();
            texts.entry(index).or_default().push_str(choice["text"].as_str().unwrap());
            if !choice["finish_reason"].is_null() {
                reasons.insert(index, choice["finish_reason"].clone());
            }
        }
        if event["choices"] == json!([]) {
            usage = event["usage"].clone();
        }
    }
    assert_eq!(usage, whole["usage"]);
    // Two answers with one seed are two answers.
    let first: Value = serde_json::from_str(events[0]).unwrap();
    for event in events {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!((&event["id"], &event["created"]), (&first["id"], &first["created"]));
    }
    assert!(first["id"] != whole["id"] && first["id"].as_str().unwrap().starts_with("cmpl-"), "{first}");
    assert!(first["created"].as_u64() >= whole["created"].as_u64(), "{first} {whole}");
    for (index, choice) in (0..).zip(whole["choices"].as_array().unwrap()) {
        assert_eq!(
            (choice["text"].as_str().unwrap(), &choice["finish_reason"]),
            (texts[&index].as_str(), &reasons[&index])
        );
    }
    assert!(texts[&1].starts_with("a crow saw"));
}

#[test]
fn log_probabilities_are_those_of_the_model_whatever_a_token_was_sampled_from() {
    let server = TestServer::start(|options| options);
    let generator = one();
    let body = json!({ "prompt": "the fox", "max_tokens": 5, "seed": 1, "temperature": 0.3, "logprobs": 2 });
    let answer = server.ask(COMPLETIONS, &body).json();
    let (text, scores) = (answer["choices"][0]["text"].as_str().unwrap(), &answer["choices"][0]["logprobs"]);
    let mut session = generator.session("the fox").unwrap();
    for (at, token) in scores["tokens"].as_array().unwrap().iter().enumerate() {
        let token = token.as_str().unwrap();
        let id = generator.tokenizer().vocabulary.id(token.trim_start()).unwrap();
        let expected = session.log_probs();
        assert_eq!(scores["token_logprobs"][at].as_f64().unwrap(), expected[id as usize]);
        // Padding and the unknown token are not among the likeliest ones.
        let top = scores["top_logprobs"][at].as_object().unwrap();
        let best = expected[2..].iter().copied().fold(f64::NEG_INFINITY, f64::max);
        assert!(top.len() == 2 && top.values().any(|top| top.as_f64() == Some(best)), "{top:?} {best}");
        let start = scores["text_offset"][at].as_u64().unwrap() as usize;
        assert!(text[start..].starts_with(token), "{text} {start} {token}");
        session.push(id).unwrap();
    }
    let joined = |scores: &Value| -> String {
        scores["tokens"].as_array().unwrap().iter().map(|token| token.as_str().unwrap()).collect()
    };
    assert_eq!(joined(scores), text);
    // A whole text is scored.
    let prompt = "the fox saw a crow .";
    let body = json!({ "prompt": prompt, "max_tokens": 0, "echo": true, "logprobs": 0 });
    let answer = server.ask(COMPLETIONS, &body).json();
    let scores = &answer["choices"][0]["logprobs"];
    assert_eq!((&answer["choices"][0]["text"], &json!(joined(scores))), (&json!(prompt), &scores["text"]));
    assert_eq!(scores["tokens"][1], " fox");
    let expected: Vec<f64> = generator.token_log_probs(prompt).unwrap().iter().map(|token| token.log_prob).collect();
    let found: Vec<Option<f64>> = scores["token_logprobs"].as_array().unwrap().iter().map(Value::as_f64).collect();
    assert_eq!(found[0], None);
    assert_eq!(found[1..].iter().map(|found| found.unwrap()).collect::<Vec<_>>(), expected);
    assert_eq!(scores["text_offset"][1], 3);
    // Offsets are those in the text of the tokens, which has other spaces than the prompt.
    let body = json!({ "prompt": "the  fox", "max_tokens": 0, "echo": true, "logprobs": 0 });
    let mut body = [body.clone(), body];
    body[1]["stream"] = json!(true);
    let whole = server.ask(COMPLETIONS, &body[0]).json()["choices"][0].clone();
    let scores = &whole["logprobs"];
    assert_eq!(
        (&whole["text"], &scores["text"], &scores["text_offset"]),
        (&json!("the  fox"), &json!("the fox"), &json!([0, 3]))
    );
    assert!(server.ask(COMPLETIONS, &body[1]).body.contains("\"text\":\"the fox\""));
}

#[test]
fn what_cannot_be_done_is_rejected_with_the_field_and_what_to_do() {
    let server = TestServer::start(|options| options);
    let long = "x".repeat(900_000);
    for (fields, status, param, message) in [
        (json!({ "temperature": -1 }), 400, "temperature", "expected a finite number of 0 or more"),
        (json!({ "temperature": "hot" }), 400, "temperature", "expected a number"),
        (json!({ "top_p": 0 }), 400, "top_p", "above 0"),
        (json!({ "top_k": -3 }), 400, "top_k", "expected a whole number"),
        (json!({ "max_tokens": 5000 }), 400, "max_tokens", "at most 4096"),
        (json!({ "max_tokens": 0 }), 400, "max_tokens", "`echo`"),
        (json!({ "max_completion_tokens": 5000 }), 400, "max_completion_tokens", "`max_completion_tokens` is 5000"),
        (json!({ "max_completion_tokens": 0 }), 400, "max_completion_tokens", "`max_completion_tokens` is 0"),
        (json!({ "n": 65 }), 400, "n", "at most 64"),
        (json!({ "n": 0 }), 400, "n", "at least 1"),
        (json!({ "n": 33, "prompt": ["a", "the"] }), 400, "n", "`n` is 33 for each of 2 prompts"),
        (json!({ "prompt": vec!["a"; 65] }), 400, "prompt", "has 65 prompts; expected at most 64"),
        (json!({ "logprobs": 21 }), 400, "logprobs", "from 0 to 20"),
        (json!({ "echo": true, "logprobs": 1, "max_tokens": 3 }), 400, "echo", "`max_tokens` as 0"),
        (json!({ "prompt": [1, 2] }), 400, "prompt", "a list of texts"),
        (json!({ "prompt": [] }), 400, "prompt", "a list of texts"),
        (json!({ "stop": " " }), 400, "stop", "white space"),
        (json!({ "seed": 1.5 }), 400, "seed", "whole number"),
        (json!({ "label": "verne" }), 400, "label", "without labels"),
        (json!({ "label": long }), 400, "label", "xx … xx"),
        (json!({ "model": long }), 404, "model", "xx…`: expected one of `one`"),
        (json!({ "model": format!("blend:one=1,{long}") }), 400, "model", "xx…` is no part of a blend"),
        (json!({ "model": format!("blend:{long}=1") }), 404, "model", "no model `xx"),
        (json!({ "stream_options": "usage" }), 400, "stream_options", "expected an object"),
        (json!({ "stream_options": { "include_usage": "yes" } }), 400, "stream_options", "true or false"),
        (json!({ "stream": 1 }), 400, "stream", "true or false"),
        (json!({ "echo": "no" }), 400, "echo", "true or false"),
        (json!({ "best_of": 2 }), 400, "best_of", "leave it out"),
        (json!({ "suffix": "end" }), 400, "suffix", "leave it out"),
        (json!({ "logit_bias": { "5": 1 } }), 400, "logit_bias", "leave it out"),
        (json!({ "response_format": { "type": "json_object" } }), 400, "response_format", "leave it out"),
        (json!({ "frequency_penalty": 0.5 }), 400, "frequency_penalty", "leave it out"),
        (json!({ "model": "three" }), 404, "model", "expected one of `one`, `two`, `other`"),
        (json!({ "model": "blend:one=0.5,three=0.5" }), 404, "model", "no model `three`"),
        (json!({ "model": "blend:one=0.5,two" }), 400, "model", "`blend:a=0.7,b=0.3`"),
        (json!({ "model": "blend:one=0.5,two=0" }), 400, "model", "a weight above 0"),
        (json!({ "model": "blend:one=0.5,other=0.5" }), 400, "model", "one vocabulary"),
        (json!({ "model": "blend:one=0.5,two=0.5,one=0.5" }), 400, "model", "`one` is in the blend twice"),
        (json!({ "model": "blend:one=1e308,two=1e308" }), 400, "model", "is infinite"),
    ] {
        let answer = server.ask(COMPLETIONS, &fields);
        let error = answer.json()["error"].clone();
        let given: String = fields.to_string().chars().take(200).collect();
        assert_eq!((answer.status, error["param"].as_str()), (status, Some(param)), "{given}: {error}");
        let found = error["message"].as_str().unwrap();
        assert!(found.contains(message) && found.len() < 500, "{given}: {error}");
        assert_eq!(error["type"], "invalid_request_error");
    }
    // Without an effect, or unknown.
    let fields = json!({ "best_of": 1, "suffix": null, "logit_bias": {}, "frequency_penalty": 0, "user": "x", "max_tokens": 1,
                "stream_options": { "include_usage": null } });
    assert_eq!(server.ask(COMPLETIONS, &fields).status, 200);
}

#[test]
fn models_are_listed_and_blends_are_names() {
    let server = TestServer::start(|options| options);
    let models = server.ask("/v1/models", &Value::Null).json();
    let ids: Vec<&str> = models["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["one", "two", "other"]);
    // The text and ln p of its tokens: untrained models have nearly the same probabilities, and write the same text.
    let text = |model: Value| {
        let request = json!({ "model": model, "prompt": "the fox", "seed": 5, "max_tokens": 30, "logprobs": 1 });
        let answer = server.ask(COMPLETIONS, &request).json();
        assert!(model.is_null() || answer["model"] == model);
        let choice = &answer["choices"][0];
        format!("{} {}", choice["text"], choice["logprobs"]["token_logprobs"])
    };
    let [default, one, two] = [text(Value::Null), text(json!("one")), text(json!("two"))];
    let blended = text(json!("blend:one=0.5,two=0.5"));
    assert_eq!(default, one);
    assert!(one != two && blended != one && blended != two, "{one} | {two} | {blended}");
    assert_eq!(text(json!("blend:one=2, two=2")), blended);
    assert_eq!(text(json!("blend:one=1")), one);
    let wolf = server.ask(COMPLETIONS, &json!({ "model": "other", "prompt": "wolf", "max_tokens": 9 })).text();
    assert!(wolf.split_whitespace().all(|word| ["wolf", "lamb"].contains(&word)), "{wolf}");
}

#[test]
fn a_chat_continues_the_last_message_of_the_user() {
    let server = TestServer::start(|options| options);
    let text = server.ask(COMPLETIONS, &json!({ "prompt": "the fox", "seed": 4 })).text();
    let messages = json!([
        { "role": "system", "content": "ignored" }, { "role": "user", "content": "a crow" },
        { "role": "assistant", "content": "saw" }, { "role": "user", "content": [{ "type": "text", "text": "the fox" }] },
    ]);
    // `echo` is a field of completions only.
    let mut body = json!({ "messages": messages, "seed": 4, "logprobs": true, "top_logprobs": 1, "echo": true });
    let answer = server.ask("/v1/chat/completions", &body).json();
    assert_eq!(
        (&answer["object"], &answer["choices"][0]["message"]["content"]),
        (&json!("chat.completion"), &json!(text))
    );
    let scores = answer["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert!(scores.len() == 8 && scores.iter().all(|score| score["top_logprobs"].as_array().unwrap().len() == 1));
    body["stream"] = json!(true);
    let answer = server.ask("/v1/chat/completions", &body);
    let mut streamed = String::new();
    let events = answer.events();
    for event in &events[..events.len() - 1] {
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["object"], "chat.completion.chunk");
        streamed.push_str(event["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
    }
    assert_eq!(streamed, text);
    for messages in
        [json!([]), json!([{ "role": "system", "content": "x" }]), json!([{ "role": "user", "content": 1 }])]
    {
        assert_eq!(server.ask("/v1/chat/completions", &json!({ "messages": messages })).status, 400);
    }
}
