export default {
  extends: "stylelint-config-standard",
  reportNeedlessDisables: true,
  rules: {
    // The style sheet keeps a short rule on one line.
    "declaration-block-single-line-max-declarations": null,
    // Classes of states bear the API's own words: state-awaiting_review.
    "selector-class-pattern": "^[a-z][a-z0-9]*([-_][a-z0-9]+)*$",
    // General classes stand beside the part that they belong to; single elements override them above.
    "no-descending-specificity": null,
    // Safari knows it with its prefix alone.
    "property-no-vendor-prefix": [true, { ignoreProperties: ["text-size-adjust"] }],
    // Browsers of 2022 don't know ranges yet.
    "media-feature-range-notation": "prefix",
  },
};
