import {
  type ByteSource,
  openSafetensors as open,
  type OpenOptions,
  type SafetensorsFile,
} from "@mamba/core/safetensors";
import { rethrow } from "../../errors.ts";

/**
 * `openSafetensors` of `@mamba/core/safetensors`, with errors of this package.
 *
 * @throws CheckpointError `TRUNCATED`, `TOO_LARGE`, `PICKLE`, `HEADER`, `JSON`, `DUPLICATE_KEY`, `DTYPE`, `SHAPE`,
 * `OFFSETS`; the errors of the source. `read` and `chunks` throw `MISSING_TENSOR` and `TRUNCATED`, `verify`
 * `CHECKSUM`
 */
export async function openSafetensors(source: ByteSource, options?: OpenOptions): Promise<SafetensorsFile> {
  const file = await open(source, options).catch(rethrow);
  return {
    ...file,
    read: (name) => file.read(name).catch(rethrow),
    verify: () => file.verify().catch(rethrow),
    async *chunks(...args) {
      try {
        yield* file.chunks(...args);
      } catch (error) {
        rethrow(error);
      }
    },
  };
}
