use super::*;

#[test]
fn a_good_token_names_the_viewer() {
    let authenticator = authenticator(JwtKey::public_pem(RSA_PUBLIC).unwrap());
    let viewer = |claims: &Value| identify(&authenticator, &good(&header(), claims)).map(|it| it.viewer);
    let user = service::domain::UserId::parse("user-01").unwrap();
    assert_eq!(viewer(&claims()).unwrap(), Viewer::User(user.clone()));
    assert_eq!(viewer(&claims_with("role", "admin")).unwrap(), Viewer::Admin(user.clone()));
    for role in
        [json!(["admin"]), json!("Admin"), json!("admin "), json!(true), json!({"admin": true}), Value::Null]
    {
        assert_eq!(viewer(&claims_with("role", role)).unwrap(), Viewer::User(user.clone()));
    }
    let identity = identify(&authenticator, &good(&header(), &claims())).unwrap();
    assert_eq!(identity.expires_at, DateTime::from_timestamp(NOW + 600, 0));
}

#[test]
fn every_kind_of_key_checks_its_own_algorithm() {
    let secret = (JwtKey::secret(SECRET).unwrap(), EncodingKey::from_secret(SECRET), Algorithm::HS256);
    let ec =
        (JwtKey::public_pem(EC_PUBLIC).unwrap(), EncodingKey::from_ec_pem(EC).unwrap(), Algorithm::ES256);
    let ed =
        (JwtKey::public_pem(ED_PUBLIC).unwrap(), EncodingKey::from_ed_pem(ED).unwrap(), Algorithm::EdDSA);
    let rsa = (JwtKey::public_pem(RSA_PUBLIC).unwrap(), rsa(), Algorithm::RS256);
    for (key, signing, algorithm) in [secret, ec, ed, rsa] {
        let header = json!({"alg": format!("{algorithm:?}")}).to_string();
        let token = sign(algorithm, &signing, &header, &claims().to_string());
        assert!(identify(&authenticator(key), &token).is_ok(), "{algorithm:?}");
    }
}

#[test]
fn a_little_disagreement_about_the_time_is_borne() {
    let authenticator = authenticator(JwtKey::public_pem(RSA_PUBLIC).unwrap());
    for (claim, value) in [("exp", NOW - 29), ("nbf", NOW + 30), ("exp", 253_402_300_799)] {
        let token = good(&header(), &claims_with(claim, value));
        assert!(identify(&authenticator, &token).is_ok(), "{claim} {value}");
    }
}

#[test]
fn places_to_find_keys_in_are_not_looked_at() {
    let authenticator = authenticator(JwtKey::public_pem(RSA_PUBLIC).unwrap());
    let header = json!({"alg": "RS256", "typ": "at+jwt", "jku": "http://127.0.0.1:1/", "x5u": "http://127.0.0.1:1/",
                        "kid": "../../dev/null"});
    assert!(identify(&authenticator, &good(&header, &claims())).is_ok());
}
