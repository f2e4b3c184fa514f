//! Tests of the addresses under `/api` over a real socket.

use serde_json::{Value, json};

use crate::test_server::{TestServer, WORDS, one};

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
    for shortest in [0, 2] {
        let answer = server.ask("/api/trace", &json!({ "text": text, "shortest": shortest }));
        assert_eq!((answer.status, answer.error().contains("from 3 on")), (400, true), "{shortest}");
    }
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
