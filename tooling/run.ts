import { execFile } from "node:child_process";
import { root } from "./workspace.mjs";

/** Runs a program and returns its output. The message of a failure holds all that it printed. */
export function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const options = {
    cwd,
    // pnpm may have put this workspace's packages on NODE_PATH.
    env: { ...process.env, NODE_PATH: "", NO_COLOR: "1", ...env },
    shell: process.platform === "win32",
    maxBuffer: 2 ** 26,
  };
  return new Promise((resolve, reject) => {
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error) reject(new Error([error.message, stdout, stderr].filter(Boolean).join("\n")));
      else resolve(stdout);
    });
  });
}

/** The path of a tool that the workspace root has installed. */
export function tool(name: string): string {
  return `${root}node_modules/.bin/${name}`;
}
