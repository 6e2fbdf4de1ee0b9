use super::*;

#[test]
fn region_parses_from_each_of_its_names() {
    for region in Region::ALL {
        let (aws_name, domain) = region.names().unwrap();
        for text in [
            aws_name.to_owned(),
            aws_name.replace('-', "_"),
            aws_name.to_uppercase(),
            domain.to_owned(),
            format!(" {domain}\n"),
            format!("login.{domain}"),
            format!("https://login.{domain}"),
            format!("https://api.{domain}/"),
            format!("HTTPS://APPS.{domain}"),
        ] {
            assert_eq!(text.parse(), Ok(region.clone()), "{text}");
        }
        assert_eq!(
            region.login_url().as_str(),
            format!("https://login.{domain}/")
        );
        assert_eq!(region.api_url().as_str(), format!("https://api.{domain}/"));
        assert_eq!(
            region.apps_url().as_str(),
            format!("https://apps.{domain}/")
        );
        assert_eq!(region.to_string(), domain);
    }
}

#[test]
fn text_that_names_one_region_parses() {
    for text in [
        "https://apps.mypurecloud.ie/directory",
        "https://apps.mypurecloud.ie/directory/#/admin/people?x=1",
        "https://apps.mypurecloud.ie/?lang=en",
        "HTTPS://Login.MyPureCloud.IE.//",
        "http://api.mypurecloud.ie",
        "https://api.mypurecloud.ie:443/api/v2/",
        "api.mypurecloud.ie/api/v2",
        "mypurecloud.ie.",
        "login.mypurecloud.ie:443",
        "\u{feff}EUW1\r\n",
        "\t EU_West-1 ",
        "euwest1",
        "eu-west1",
        "EU West 1",
    ] {
        assert_eq!(text.parse(), Ok(Region::EuWest1), "{text}");
    }
    for (text, region) in [
        ("euw2", Region::EuWest2),
        ("use1", Region::UsEast1),
        ("edee1", Region::EuscDeEast1),
        ("apse2", Region::ApSoutheast2),
        ("https://login.use2.us-gov-pure.cloud/#/", Region::UsEast2),
        ("apps.mypurecloud.com.au", Region::ApSoutheast2),
    ] {
        assert_eq!(text.parse(), Ok(region), "{text}");
    }
}

#[test]
fn short_names_are_the_labels_of_the_domains() {
    for region in Region::ALL {
        let short = region.short_name().unwrap();
        let (label, rest) = region.domain().unwrap().split_once('.').unwrap();
        assert!(label == short || !rest.ends_with("cloud"), "{short}");
        let others = Region::ALL
            .iter()
            .filter(|other| other.short_name() == Some(short.clone()));
        assert_eq!(others.count(), 1, "{short}");
    }
}

#[test]
fn similar_names_do_not_parse() {
    for text in [
        "",
        "eu-west-9",
        "mypurecloud",
        "mypurecloud.de.evil.example",
        "evil.example/mypurecloud.de",
        "https://evil.example/https://mypurecloud.de",
        "https://evil.example?mypurecloud.de",
        "https://evil.example#api.mypurecloud.de",
        "https://mypurecloud.de@evil.example",
        "https://api.mypurecloud.de@evil.example/",
        "https://user@api.mypurecloud.de/",
        "https://api.mypurecloud.de\\@evil.example",
        "https:evil.example/.mypurecloud.de",
        "evilmypurecloud.de",
        "evil.mypurecloud.de",
        "api.api.mypurecloud.de",
        "api.login.mypurecloud.de",
        "https://api.mypurecloud.de:444",
        "http://api.mypurecloud.de:443",
        "mypurecloud.de..",
        "mypurecloud.d\u{0435}",
        "mypure\tcloud.de",
        "mypurecloud.de\nmypurecloud.ie",
        "ftp://api.mypurecloud.de",
        "file:///mypurecloud.de",
        "euw1.pure.cloud",
        "\"eu-west-1\"",
        "GENESYSCLOUD_REGION=eu-west-1",
    ] {
        assert!(text.parse::<Region>().is_err(), "{text}");
    }
}

#[test]
fn invalid_region_names_the_nearest_and_repeats_no_secret() {
    for (text, start, nearest) in [
        ("eu-west-9", "\"eu-west-9\" is not", "eu-west-1, eu-west-2"),
        (
            "eu-central",
            "\"eu-central\" is not",
            "eu-central-1, eu-central-2",
        ),
        (
            "mypurecloud.du",
            "\"mypurecloud.du\" is not",
            "mypurecloud.de",
        ),
        (
            "https://apps.mypurecloud.eu/",
            "\"apps.mypurecloud.eu\" is not",
            "mypurecloud.de",
        ),
        ("euw7", "\"euw7\" is not", "euw1, euw2"),
        (
            "Ireland",
            "\"Ireland\" is not",
            "such as https://apps.mypurecloud.ie/",
        ),
        (
            "'euw1'",
            "the region begins or ends with a quotation mark",
            "such as eu-west-1",
        ),
    ] {
        let error = text.parse::<Region>().unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
        assert!(error.contains(nearest), "{error}");
        assert!(error.len() < 300 && !error.contains("::"), "{error}");
    }
    let secret = "yuVl0NWbQ2Ws4RsM1zFhYlBcS5ZkPQfUiYwW9DkKzA0";
    for text in [
        secret.to_owned(),
        format!("https://u:{secret}@a.example"),
        format!("{secret}.ie"),
        format!("login={secret} api={secret}"),
        format!("https://a.example/{secret}"),
    ] {
        let error = text.parse::<Region>().unwrap_err().to_string();
        assert!(!error.contains(secret), "{error}");
    }
    let error = Region::custom(&format!("https://u:{secret}@gw.example"), "https://b");
    assert!(!error.unwrap_err().to_string().contains(secret));
}

#[test]
fn serialized_region_is_read_back() {
    let custom = Region::custom("http://localhost:9000/login", "https://api.example/a,b").unwrap();
    let apps = custom.with_apps("https://apps.example").unwrap();
    for region in Region::ALL.into_iter().chain([custom.clone(), apps]) {
        let json = serde_json::to_string(&region).unwrap();
        assert_eq!(
            serde_json::from_str::<Region>(&json).unwrap(),
            region,
            "{json}"
        );
        let text: String = serde_json::from_str(&json).unwrap();
        assert_eq!(text.parse(), Ok(region), "{text}");
    }
    assert_eq!(
        serde_json::to_string(&custom).unwrap(),
        "\"login=http://localhost:9000/login api=https://api.example/a,b\""
    );
    for text in [
        "login=https://a.example",
        "api=https://a.example",
        "login=https://a.example api=https://b.example web=https://c.example",
        "login=https://a.example login=https://a.example api=https://b.example",
        "login=http://a.example api=https://b.example",
        "login=https://a.example api=https://b.example eu-west-1",
    ] {
        let error = text.parse::<Region>().unwrap_err().to_string();
        assert!(error.contains("custom region"), "{text}: {error}");
        assert!(
            serde_json::from_value::<Region>(text.into()).is_err(),
            "{text}"
        );
    }
    assert!(serde_json::from_str::<Region>("1").is_err());
}

#[test]
fn custom_urls_are_https_or_loopback() {
    for valid in [
        "https://gateway.example/genesys/login",
        "https://gateway.example:8443",
        "http://localhost:9000/login",
        "http://LOCALHOST",
        "http://127.0.0.1:1",
        "http://127.255.0.9",
        "http://[::1]:8080/",
    ] {
        let region = Region::custom(valid, valid);
        assert!(region.unwrap().with_apps(valid).is_ok(), "{valid}");
    }
    for invalid in [
        "",
        "gateway.example",
        "http://gateway.example",
        "http://localhost.",
        "http://localhost.evil.example",
        "http://0.0.0.0",
        "http://[::]",
        "http://[::ffff:127.0.0.1]",
        "http://10.0.0.1",
        "ftp://localhost",
        "file:///etc/passwd",
        "https://user@gateway.example",
        "https://:secret@gateway.example",
        "https://@gateway.example",
        "https://gateway.example?x=1",
        "https://gateway.example#x",
        "https://gateway.example\\@evil.example",
        "https://gate\tway.example",
        " https://gateway.example",
    ] {
        assert!(Region::custom(invalid, "https://b").is_err(), "{invalid:?}");
        assert!(Region::custom("https://a", invalid).is_err(), "{invalid:?}");
        let region = Region::custom("https://a", "https://b").unwrap();
        assert!(region.with_apps(invalid).is_err(), "{invalid:?}");
    }
}

#[test]
fn apps_url_is_the_login_url_unless_it_is_set() {
    let region = Region::custom("https://login.example", "https://api.example").unwrap();
    assert_eq!(region.apps_url(), region.login_url());
    let other = region.with_apps("https://apps.example").unwrap();
    assert_eq!(other.apps_url().as_str(), "https://apps.example/");
    assert_eq!(other.login_url(), region.login_url());
    assert_eq!(other.api_url(), region.api_url());
}
