use super::*;

type Forged = (&'static str, String);

/// Each a token that must not open the door, and what it is.
fn forged() -> Vec<Forged> {
    [signatures(), headers(), bodies(), claims_of_all_kinds()].concat()
}

/// With one claim of another kind.
fn with(name: &str, value: Value) -> String {
    good(&header(), &claims_with(name, value))
}

fn without(name: &str) -> String {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    good(&header(), &claims)
}

fn raw(claims: &str) -> String {
    sign(Algorithm::RS256, &rsa(), &header().to_string(), claims)
}

fn by_secret(secret: &[u8], algorithm: Algorithm) -> String {
    let header = json!({"alg": format!("{algorithm:?}"), "typ": "JWT", "kid": "key-1"}).to_string();
    sign(algorithm, &EncodingKey::from_secret(secret), &header, &claims().to_string())
}

fn by_other_algorithm(algorithm: Algorithm) -> String {
    let header = json!({"alg": format!("{algorithm:?}")}).to_string();
    sign(algorithm, &rsa(), &header, &claims().to_string())
}

fn signatures() -> Vec<Forged> {
    let token = good(&header(), &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    let unsigned = |alg: &str| format!("{}.{body}.", encode(json!({"alg": alg, "typ": "JWT"}).to_string()));
    let other = EncodingKey::from_rsa_pem(OTHER).unwrap();
    let mut flipped = signature.as_bytes().to_vec();
    flipped[10] = if flipped[10] == b'A' { b'B' } else { b'A' };
    let flipped = String::from_utf8(flipped).unwrap();
    let promoted = encode(claims_with("role", "admin").to_string());
    let der = pem_body(RSA_PUBLIC);
    vec![
        ("no algorithm", unsigned("none")),
        ("no algorithm, in other letters", unsigned("nOnE")),
        ("an unknown algorithm", unsigned("RS257")),
        ("no signature", format!("{head}.{body}.")),
        ("two parts", format!("{head}.{body}")),
        ("four parts", format!("{token}.{signature}")),
        ("five parts, as of an encrypted one", format!("{token}.{signature}.{signature}")),
        ("nothing", String::new()),
        ("dots", "..".to_owned()),
        ("the public key as a secret", by_secret(RSA_PUBLIC, Algorithm::HS256)),
        ("the public key without its frame as a secret", by_secret(&der, Algorithm::HS256)),
        ("the public key as a secret, HS512", by_secret(RSA_PUBLIC, Algorithm::HS512)),
        ("an empty secret", by_secret(b"", Algorithm::HS256)),
        ("another key", sign(Algorithm::RS256, &other, &header().to_string(), &claims().to_string())),
        ("the right key, RS384", by_other_algorithm(Algorithm::RS384)),
        ("the right key, RS512", by_other_algorithm(Algorithm::RS512)),
        ("the right key, PS256", by_other_algorithm(Algorithm::PS256)),
        ("garbage for ES256", format!("{}.{body}.{}", encode(r#"{"alg":"ES256"}"#), encode([7; 64]))),
        ("ES256 of zeros", format!("{}.{body}.{}", encode(r#"{"alg":"ES256"}"#), encode([0; 64]))),
        ("a signature of zeros", format!("{head}.{body}.{}", encode([0; 256]))),
        ("a changed signature", format!("{head}.{body}.{flipped}")),
        ("a truncated signature", token[..token.len() - 4].to_owned()),
        ("a signature and more", format!("{token}AAAA")),
        ("other claims under the signature", format!("{head}.{promoted}.{signature}")),
        ("another header over the signature", format!("{}.{body}.{signature}", encode(r#"{"alg":"RS256"}"#))),
        ("padding", format!("{head}.{body}.{signature}==")),
        ("the other alphabet", format!("{head}.{body}.{}", signature.replace(['-', '_'], "+"))),
        ("a space within", format!("{head}. {body}.{signature}")),
        ("a line break within", format!("{head}.{body}\n.{signature}")),
        ("a NUL at the end", format!("{token}\0")),
        ("a token that is too long", with("note", json!("x".repeat(8_192)))),
        ("no base64", "€.€.€".to_owned()),
    ]
}

fn headers() -> Vec<Forged> {
    let signed = |header: Value| good(&header, &claims());
    let own_key = json!({"kty": "oct", "k": encode(SECRET)});
    vec![
        ("a key of its own", {
            let header = json!({"alg": "HS256", "jwk": own_key}).to_string();
            sign(Algorithm::HS256, &EncodingKey::from_secret(SECRET), &header, &claims().to_string())
        }),
        ("a demand that is not understood", signed(json!({"alg": "RS256", "crit": ["exp"], "exp": 1}))),
        ("an empty demand", signed(json!({"alg": "RS256", "crit": []}))),
        ("a body that is not encoded", signed(json!({"alg": "RS256", "b64": false}))),
        ("a type of another kind", signed(json!({"alg": "RS256", "typ": "logout+jwt"}))),
        ("a type that is no text", signed(json!({"alg": "RS256", "typ": 1}))),
        ("a token within a token", signed(json!({"alg": "RS256", "cty": "JWT"}))),
        ("a name of a key that is no text", signed(json!({"alg": "RS256", "kid": 1}))),
        ("an endless name of a key", signed(json!({"alg": "RS256", "kid": "k".repeat(300)}))),
        (
            "two algorithms",
            sign(Algorithm::RS256, &rsa(), r#"{"alg":"none","alg":"RS256"}"#, &claims().to_string()),
        ),
        ("a header that is a list", sign(Algorithm::RS256, &rsa(), "[]", &claims().to_string())),
        ("a header that is no JSON", sign(Algorithm::RS256, &rsa(), "{", &claims().to_string())),
    ]
}

fn bodies() -> Vec<Forged> {
    vec![
        ("claims that are no JSON", raw("{")),
        ("claims that are a list", raw("[]")),
        ("claims that are a text", raw("\"user-01\"")),
        ("claims that are no UTF-8", {
            let message = format!("{}.{}", encode(header().to_string()), encode(b"{\"sub\":\"\xff\"}"));
            format!("{message}.{}", crypto::sign(message.as_bytes(), &rsa(), Algorithm::RS256).unwrap())
        }),
        ("two subjects", raw(&claims().to_string().replacen('{', r#"{"sub":"user-02","#, 1))),
        ("two ends", raw(&claims().to_string().replacen('{', r#"{"exp":1,"#, 1))),
        ("two roles", raw(&claims().to_string().replacen('{', r#"{"role":"user","role":"admin","#, 1))),
        ("two issuers", raw(&claims().to_string().replacen('{', r#"{"iss":"another","#, 1))),
        ("two audiences", raw(&claims().to_string().replacen('{', r#"{"aud":"another","#, 1))),
    ]
}

fn claims_of_all_kinds() -> Vec<Forged> {
    vec![
        ("no end", without("exp")),
        ("an end of null", with("exp", Value::Null)),
        ("an end in words", with("exp", json!((NOW + 600).to_string()))),
        ("an end in a list", with("exp", json!([NOW + 600]))),
        ("an end in milliseconds", with("exp", json!((NOW + 600) * 1000))),
        ("an end beyond all numbers", raw(&claims().to_string().replace("1800000600", "1e300"))),
        ("an end below all numbers", with("exp", json!(-1))),
        ("an end that is a truth", with("exp", json!(true))),
        ("the end a little too long ago", with("exp", json!(NOW - 30))),
        ("the end long ago", with("exp", json!(0))),
        ("a begin to come", with("nbf", json!(NOW + 31))),
        ("a begin in words", with("nbf", json!("now"))),
        ("a begin in milliseconds", with("nbf", json!(NOW * 1000))),
        ("no issuer", without("iss")),
        ("another issuer", with("iss", json!("another"))),
        ("an issuer in a list with another", with("iss", json!(["another"]))),
        ("an issuer that is no text", with("iss", json!({"shop": true}))),
        ("almost the issuer", with("iss", json!("shop/"))),
        ("no audience", without("aud")),
        ("another audience", with("aud", json!("another"))),
        ("no audience in the list", with("aud", json!([]))),
        ("other audiences", with("aud", json!(["another", "Pulsegate"]))),
        ("an audience that is no text", with("aud", json!({"pulsegate": true}))),
        ("no subject", without("sub")),
        ("an empty subject", with("sub", json!(""))),
        ("a subject of null", with("sub", Value::Null)),
        ("a subject that is a number", with("sub", json!(1))),
        ("a subject in a list", with("sub", json!(["user-01"]))),
        ("a subject with a NUL", with("sub", json!("user-01\0"))),
        ("a subject that is too long", with("sub", json!("u".repeat(37)))),
    ]
}

fn pem_body(pem: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(pem).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    base64::engine::general_purpose::STANDARD.decode(body).unwrap()
}

#[test]
fn forged_and_broken_tokens_are_refused() {
    let rsa = authenticator(JwtKey::public_pem(RSA_PUBLIC).unwrap());
    let forged = forged();
    assert!(identify(&rsa, &good(&header(), &claims())).is_ok());
    assert!(forged.len() >= 80);
    for (what, token) in &forged {
        match identify(&rsa, token) {
            Ok(identity) => panic!("{what} was taken for {:?}", identity.viewer),
            Err(fault) => assert_eq!(fault.code, ErrorCode::Unauthenticated, "{what}"),
        }
    }
    // None of them opens a door with another lock either.
    let others = [JwtKey::secret(SECRET), JwtKey::public_pem(EC_PUBLIC), JwtKey::public_pem(ED_PUBLIC)];
    for key in others.map(Result::unwrap) {
        let authenticator = authenticator(key);
        for (what, token) in &forged {
            // This one brings the very secret along, so it is signed as it should be.
            if *what != "a key of its own" {
                assert!(identify(&authenticator, token).is_err(), "{what}");
            }
        }
    }
}

#[test]
fn a_refusal_says_what_to_do_where_that_helps() {
    let authenticator = authenticator(JwtKey::public_pem(RSA_PUBLIC).unwrap());
    for (name, value, message) in [
        ("exp", json!(NOW - 30), "The token has expired: get a new one."),
        ("exp", json!((NOW + 600) * 1000), "The token's `exp` is no instant."),
        ("nbf", json!(NOW + 31), "The token is not valid yet."),
        ("iss", json!("another"), "The token's `iss` is not the expected one."),
        ("aud", json!("another"), "The token's `aud` does not name this service."),
        ("sub", json!(""), "The token's `sub` is empty."),
    ] {
        let token = good(&header(), &claims_with(name, value));
        assert_eq!(identify(&authenticator, &token).unwrap_err().message, message);
    }
    let header = json!({"alg": "RS384"}).to_string();
    let token = sign(Algorithm::RS384, &rsa(), &header, &claims().to_string());
    let fault = identify(&authenticator, &token).unwrap_err();
    assert_eq!(fault.message, "The token is not signed with the expected algorithm.");
}
