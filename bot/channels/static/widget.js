const TEXTS = JSON.parse("{}");
