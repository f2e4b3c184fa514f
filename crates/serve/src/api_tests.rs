//! Tests of the addresses under `/api` over a real socket.

use qa::{QaPipeline, QgOptions, QuestionFormat, QuestionFormatter};
use serde_json::{Value, json};

use crate::test_server::{TEXT, TestServer, WORDS, one, with_separators};

#[test]
fn the_next_tokens_have_the_probabilities_of_the_model() {
    let server = TestServer::start(|options| options);
    let answer = server.ask("/api/next", &json!({ "text": "the fox", "k": 3 })).json();
    let generator = one();
    let session = generator.session("the fox").unwrap();
    let mut last = 1.0;
    let mut ratios = Vec::new();
    for next in answer["next"].as_array().unwrap() {
        let token = next["token"].as_str().unwrap();
        assert!(WORDS.contains(&token) && next["text"].as_str().unwrap().ends_with(token), "{next}");
        let probability = next["probability"].as_f64().unwrap();
        let of_model = session.log_probs()[generator.tokenizer().vocabulary.id(token).unwrap() as usize].exp();
        ratios.push(probability / of_model);
        assert!(probability <= last);
        last = probability;
    }
    // Tokens that are never written have no share.
    assert!(ratios.len() == 3 && ratios.iter().all(|ratio| (ratio - ratios[0]).abs() < 1e-9 && *ratio >= 1.0));
    assert!(answer["next"].as_array().unwrap().iter().all(|next| next["replaces"] == 0), "{answer}");
    let long = server.ask("/api/next", &json!({ "text": "the fox saw ".repeat(50_000), "k": 1000 })).json();
    assert!(long["next"].as_array().unwrap().len() >= WORDS.len(), "{long}");
    let error = server.ask("/api/next", &json!({ "k": 0 }));
    assert_eq!((error.status, error.error().contains("from 1 to 1000")), (400, true));
}

#[test]
fn copied_sequences_are_traced_to_the_training_text() {
    let server = TestServer::start(|options| options);
    let text = "and  the fox saw the crow . a crow saw a fox";
    let answer = server.ask("/api/trace", &json!({ "text": text, "shortest": 4 })).json();
    // Positions are those in the text of the tokens, which has other spaces.
    let text = answer["text"].as_str().unwrap();
    assert!(text.starts_with("and the fox"), "{text}");
    let runs = answer["runs"].as_array().unwrap();
    let copied = |run: &Value| -> String {
        let end = run["end"].as_u64().unwrap() as usize;
        text[run["start"].as_u64().unwrap() as usize..end].trim().to_owned()
    };
    assert_eq!(runs.iter().map(copied).collect::<Vec<_>>(), ["the fox saw the crow", "a crow saw a"]);
    let source = &runs[0]["source"];
    assert_eq!((&runs[0]["tokens"], &source["position"]), (&json!(5), &json!(6)));
    let shown = ["before", "text", "after"].map(|part| source[part].as_str().unwrap().trim());
    assert_eq!(shown, ["a crow saw a cheese .", "the fox saw the crow", "and the cheese ."]);
    let answer = server.ask("/api/trace", &json!({ "text": text, "model": "two" }));
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!("no_training_text")));
    assert!(answer.error().ends_with("which was not read: it has changed: restore it"), "{}", answer.error());
    for shortest in [0, 2] {
        let answer = server.ask("/api/trace", &json!({ "text": text, "shortest": shortest }));
        assert_eq!((answer.status, answer.error().contains("from 3 on")), (400, true), "{shortest}");
    }
}

#[test]
fn separators_before_a_text_are_not_copied() {
    let server = TestServer::with_models(|options| options, || vec![("one", with_separators(), Some(TEXT))]);
    for text in ["", "a crow"] {
        let answer = server.ask("/api/trace", &json!({ "text": text, "shortest": 3 })).json();
        assert_eq!((&answer["runs"], &answer["text"]), (&json!([]), &json!(text)));
        assert_eq!(answer["tokens"], text.split_whitespace().count());
    }
    let answer = server.ask("/api/trace", &json!({ "text": "A crow saw a the", "shortest": 3 })).json();
    let runs = answer["runs"].as_array().unwrap();
    let found = ["start", "end", "tokens"].map(|key| runs[0][key].clone());
    assert_eq!((runs.len(), found), (1, [0, 12, 4].map(|number| json!(number))), "{answer}");
    assert_eq!(runs[0]["source"]["position"], 20);
    let copied = |text: &str, word: &str| {
        let answer = server.ask("/api/next", &json!({ "text": text, "k": 20, "max_copied": 3 })).json();
        let next = answer["next"].as_array().unwrap().iter().find(|next| next["token"] == word).unwrap();
        ["copied_tokens", "is_copied", "is_allowed"].map(|key| next[key].clone())
    };
    assert_eq!(copied("", "a"), [json!(1), json!(false), json!(true)]);
    assert_eq!(copied("a crow", "saw"), [json!(3), json!(false), json!(true)]);
    assert_eq!(copied("a crow saw", "a"), [json!(4), json!(false), json!(false)]);
}

#[test]
fn unknown_words_are_not_copied() {
    let server = TestServer::start(|options| options);
    let body = json!({ "text": "wolf fox lamb crow wolf lamb wolf", "model": "other", "shortest": 3 });
    let runs = server.ask("/api/trace", &body).json()["runs"].clone();
    assert_eq!((runs.as_array().unwrap().len(), &runs[0]["tokens"]), (1, &json!(3)), "{runs}");
    assert_eq!(runs[0]["source"]["position"], 4);
}

#[test]
fn only_so_many_copied_sequences_are_listed() {
    let server = TestServer::start(|options| options);
    for (count, listed, has_more) in [(1_000, 1_000, false), (1_001, 1_000, true)] {
        let answer = server.ask("/api/trace", &json!({ "text": "and the fox saw the crow a ".repeat(count) })).json();
        assert_eq!(answer["runs"].as_array().unwrap().len(), listed);
        assert_eq!(answer["has_more"], has_more);
    }
}

#[test]
fn a_next_token_says_what_it_would_copy() {
    let server = TestServer::start(|options| options);
    let ask = |body: Value| server.ask("/api/next", &body).json();
    // In the training text, `the fox saw the crow` is followed by `and`.
    let answer = ask(json!({ "text": "a cheese . the fox saw the", "k": 20, "shortest": 6 }));
    assert_eq!(answer["no_training_text"], Value::Null);
    let of = |token: &str| {
        let next = answer["next"].as_array().unwrap().iter().find(|next| next["token"] == token).unwrap();
        ["copied_tokens", "copied_from", "is_copied", "is_end", "is_allowed"].map(|key| next[key].clone())
    };
    let expected = |tokens: usize, from: usize, is_copied: bool| {
        [json!(tokens), json!(from), json!(is_copied), json!(false), Value::Null]
    };
    assert_eq!(of("crow"), expected(8, 3, true));
    assert_eq!(of("cheese")[0], 2);
    assert_eq!((&of("a")[0], &of("a")[2]), (&json!(1), &json!(false)));
    // Padding and the unknown token are no choices, also where all tokens are listed.
    let tokens: Vec<&str> =
        answer["next"].as_array().unwrap().iter().map(|next| next["token"].as_str().unwrap()).collect();
    assert_eq!(tokens.len(), WORDS.len(), "{tokens:?}");
    // Without the training text the answer says why.
    let answer = ask(json!({ "text": "the fox", "model": "two" }));
    assert_eq!(answer["no_training_text"], "it has changed: restore it");
    assert!(answer["next"].as_array().unwrap().iter().all(|next| next.get("is_copied").is_none()), "{answer}");
    // A limit on what may be copied.
    let limited = ask(json!({ "text": "a cheese . the fox saw the", "k": 20, "max_copied": 7 }));
    let next = limited["next"].as_array().unwrap();
    assert!(next.iter().all(|next| next["is_allowed"] == (next["token"] != "crow")), "{limited}");
    let text = "a crow saw";
    let answer =
        server.ask("/v1/completions", &json!({ "prompt": text, "max_tokens": 60, "max_copied": 3, "seed": 2 }));
    let traced = server.ask("/api/trace", &json!({ "text": answer.text(), "shortest": 4 })).json();
    assert_eq!(traced["runs"], json!([]));
    for (path, body, status) in [
        ("/v1/completions", json!({ "max_copied": 2 }), 400),
        ("/v1/completions", json!({ "max_copied": 5, "model": "two" }), 404),
        ("/api/next", json!({ "max_copied": 5, "model": "two" }), 404),
    ] {
        assert_eq!(server.ask(path, &body).status, status, "{body}");
    }
    let error = server.ask("/api/next", &json!({ "text": "the", "shortest": 2 }));
    assert_eq!((error.status, error.error().contains("from 3 on")), (400, true));
}

#[test]
fn prompts_that_lose_tokens_are_answered_with_warnings() {
    let server = TestServer::start(|options| options);
    let long = "the fox saw ".repeat(3_000);
    let cut = |reads| format!("the prompt has 9000 tokens, of which the model reads the last {reads}");
    let next = server.ask("/api/next", &json!({ "text": long })).json();
    assert_eq!(next["warnings"], json!([cut(1832)]));
    let body = json!({ "prompt": ["the wolf saw a lamb", long], "max_tokens": 1 });
    let warnings = json!(["not in the vocabulary and read as the unknown token: wolf, lamb", cut(8192)]);
    assert_eq!(server.ask("/v1/completions", &body).json()["warnings"], warnings);
    let unknown = format!("{}…", "z".repeat(60));
    let next = server.ask("/api/next", &json!({ "text": "z".repeat(500_000) })).json();
    let warning = format!("not in the vocabulary and read as the unknown token: {unknown}");
    assert_eq!((&next["unknown_tokens"], &next["warnings"]), (&json!([unknown]), &json!([warning])));
    let mut streamed = body.clone();
    streamed["stream"] = json!(true);
    let answer = server.ask("/v1/completions", &streamed);
    let events: Vec<Value> = answer.events().iter().filter_map(|event| serde_json::from_str(event).ok()).collect();
    assert!(events[0]["warnings"] == warnings && events[1..].iter().all(|event| event.get("warnings").is_none()));
    let whole = server.ask("/v1/completions", &json!({ "prompt": "the fox", "max_tokens": 1 })).json();
    assert!(whole.get("warnings").is_none(), "{whole}");
    // A text that is scored is read as a whole.
    let scored = json!({ "prompt": long, "max_tokens": 0, "echo": true, "logprobs": 0 });
    let scored = server.ask("/v1/completions", &scored).json();
    assert!(scored.get("warnings").is_none());
    assert_eq!(scored["choices"][0]["logprobs"]["tokens"].as_array().unwrap().len(), 9_000);
}

#[test]
fn questions_are_those_of_the_pipeline_in_every_format() {
    let server = TestServer::start(|options| options);
    let text = "Maria Lopez founded the first hospital in Bristol in 1842. It was <small>.";
    let options = QgOptions::default().max_per_sentence(3);
    let expected = QaPipeline::by_rules().ask_with_report(text, &options).unwrap();
    assert!(!expected.questions.is_empty());
    let answer = server.ask("/api/questions", &json!({ "text": text, "per_sentence": 3 })).json();
    let questions: Vec<Value> = expected.questions.iter().map(qa::formats::to_json).collect();
    assert_eq!((&answer["model"], &answer["questions"]), (&json!("rules"), &json!(questions)));
    assert_eq!((&answer["sentences"], &answer["questions"][0]["found_by"]), (&json!(2), &json!("rule")));
    assert_eq!(answer["long_words"], 0);
    let long = format!("A{} ran. {text}", "a".repeat(20_000));
    let answer = server.ask("/api/questions", &json!({ "text": long })).json();
    assert_eq!((&answer["sentences"], &answer["long_words"]), (&json!(2), &json!(1)));
    for (name, format, content_type) in [
        ("jsonl", QuestionFormat::Jsonl, "application/jsonl"),
        ("csv", QuestionFormat::Csv, "text/csv; charset=utf-8"),
        ("tsv", QuestionFormat::Tsv, "text/tab-separated-values; charset=utf-8"),
        ("anki", QuestionFormat::Anki, "text/plain; charset=utf-8"),
        ("text", QuestionFormat::Text, "text/plain; charset=utf-8"),
        ("squad", QuestionFormat::Squad, "application/json"),
    ] {
        let mut formatter = QuestionFormatter::new(format);
        let parts = [formatter.start(), formatter.next(&expected.questions)].concat();
        let expected = parts + &formatter.end(text, "my text", &expected.questions);
        let bom = matches!(format, QuestionFormat::Csv | QuestionFormat::Tsv);
        let body = json!({ "text": text, "per_sentence": 3, "format": name, "name": "my text", "bom": bom });
        let answer = server.ask("/api/questions", &body);
        assert_eq!(answer.body, if bom { format!("\u{feff}{expected}") } else { expected }, "{name}");
        assert!(answer.headers.contains(&format!("content-type: {content_type}\r\n")), "{}", answer.headers);
    }
    for (fields, status, param, message) in [
        (json!({ "text": "" }), 400, "text", "no sentence"),
        (json!({ "text": "a".repeat(20_000) }), 400, "text", "every sentence of the text has a word of more than 200"),
        (json!({ "text": 5 }), 400, "text", "expected a text"),
        (json!({ "text": "A fox.", "model": "none" }), 404, "model", "expected one of `rules`"),
        (json!({ "text": "A fox.", "per_sentence": 21 }), 400, "per_sentence", "from 1 to 20"),
        (json!({ "text": "A fox.", "beam": 0 }), 400, "beam", "from 1 to 100"),
        (json!({ "text": "A fox.", "min_confidence": 1.5 }), 400, "min_confidence", "from 0 to 1"),
        (json!({ "text": "A fox.", "rules": false }), 400, "rules", "no question model"),
        (json!({ "text": "A fox.", "format": "xlsx" }), 400, "format", "squad or anki"),
        (json!({ "text": "A fox.", "bom": true }), 400, "bom", "csv or tsv"),
    ] {
        let answer = server.ask("/api/questions", &fields);
        assert_eq!((answer.status, answer.json()["error"]["param"].as_str()), (status, Some(param)), "{fields}");
        assert!(answer.error().contains(message), "{fields}: {}", answer.error());
    }
}

#[test]
fn models_are_listed_with_what_can_be_done_with_them() {
    let server = TestServer::start(|options| options);
    let models = server.ask("/api/models", &Value::Null).json();
    let one = json!({
        "name": "one", "sha256": "hash of one", "unit": "word", "vocabulary": 10, "max_tokens": 4096, "labels": [],
        "has_ngrams": false, "no_training_text": null, "blends_with": ["two"],
    });
    assert_eq!(models["models"][0], one);
    assert_eq!(models["models"][1]["no_training_text"], "it has changed: restore it");
    assert_eq!(models["models"][2]["blends_with"], json!([]));
    assert!(models["program"].as_str().unwrap().starts_with("Pastiche ") && models["no_questions"].is_null());
    assert!(models["no_runs"].as_str().unwrap().contains("without a folder of runs"));
    assert_eq!(models["question_models"], json!([{ "name": "rules", "has_network": false }]));
}
