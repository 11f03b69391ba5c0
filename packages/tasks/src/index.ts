export { associativeRecall, type AssociativeRecallOptions } from "./associativeRecall.ts";
export { inductionHeads, type InductionOptions } from "./inductionHeads.ts";
export { evaluateNgram, type NgramOptions, trainNgram } from "./ngram/evaluateNgram.ts";
export { Ngram } from "./ngram/ngram.ts";
export { parity, type ParityOptions } from "./parity.ts";
export { selectiveCopying, type SelectiveCopyingOptions } from "./selectiveCopying.ts";
export { stories, type StoriesOptions, storyEnd } from "./stories/stories.ts";
export { story } from "./stories/story.ts";
