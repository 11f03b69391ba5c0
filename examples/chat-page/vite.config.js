// The page may be served from any folder. The model is served beside it.
export default { base: "./", publicDir: "../../recipes/chat" };
