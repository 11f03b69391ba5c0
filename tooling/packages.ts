import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));

/** A package of this workspace that gets published. */
export interface PublicPackage {
  readonly name: string;
  readonly folder: string;
  /** Whether it holds a binary, which takes a compiler to make. */
  readonly native: boolean;
}

/** All of them, from packages/ and apps/. */
export function publicPackages(): PublicPackage[] {
  return ["packages", "apps"].flatMap((group) =>
    readdirSync(`${root}${group}`).flatMap((name) => {
      const folder = `${root}${group}/${name}`;
      const manifest = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")) as {
        name: string;
        private?: boolean;
        os?: string[];
      };
      return manifest.private ? [] : [{ name: manifest.name, folder, native: manifest.os !== undefined }];
    }),
  );
}

/** Runs a program and returns what it printed. A failure's message holds all its output. */
export function run(
  cwd: string,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const options = {
    cwd,
    // What started the tests may have put this workspace's packages on NODE_PATH, as pnpm does.
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

/** Path of a tool that the workspace root has installed. */
export function tool(name: string): string {
  return `${root}node_modules/.bin/${name}`;
}
