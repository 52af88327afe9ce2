/** `origin publish`: regions, rules and a model into force at the edge. */
import { pathToFileURL } from "node:url";
import type { Command } from "commander";
import { SECOND_MS } from "../../domain/units.ts";
import { isEdgeFault } from "../edge/ask-edge.ts";
import { createEdgeClient, type EdgeClient } from "../edge/edge-client.ts";
import { createOutput } from "../output.ts";
import { loadModel, loadRegions, loadRules } from "../publication/shipped-files.ts";
import { edgeAddressFrom, type GlobalOptions } from "../settings.ts";

const PATIENCE_MS = 10 * SECOND_MS;

interface PublishOptions extends GlobalOptions {
  regions?: string;
  rules?: string;
  model?: string;
}

interface Published {
  kind: "regions" | "rules" | "model";
  version: string;
  previous: string | null;
}

export function addPublishCommand(program: Command): void {
  program
    .command("publish")
    .description("put regions, rules or a model into force at the edge")
    .option("--regions <file>", "a regions document")
    .option("--rules <file>", "a rules document")
    .option("--model <folder>", "a folder with model.onnx and card.json")
    .action(async (_: unknown, command: Command) => {
      const options = command.optsWithGlobals<PublishOptions>();
      if (!options.regions && !options.rules && !options.model) {
        command.error("error: nothing to publish: name --regions, --rules or --model");
      }
      const output = createOutput(options.json);
      const edge = createEdgeClient(
        await edgeAddressFrom(options, process.env),
        PATIENCE_MS,
        new AbortController().signal,
      );
      const published: Published[] = [];
      for (const step of stepsOf(options, edge)) {
        const result = await step();
        if ("reason" in result) {
          output.line(result.detail);
          process.exitCode = 1;
          break;
        }
        published.push(result);
        output.line(
          `${result.kind}: ${result.version} in force, before it ${result.previous ?? "nothing"}`,
        );
      }
      output.result({ published }, `${published.length} published.`);
    });
}

/** In the order in which they need each other. */
function stepsOf({ regions, rules, model }: PublishOptions, edge: EdgeClient) {
  const named =
    (kind: Published["kind"], publish: () => ReturnType<EdgeClient["publishRules"]>) =>
    async () => {
      const answer = await publish();
      return isEdgeFault(answer) ? answer : { kind, ...answer };
    };
  return [
    ...(regions
      ? [named("regions", async () => edge.publishRegions((await loadRegions(regions)).value))]
      : []),
    ...(rules
      ? [named("rules", async () => edge.publishRules((await loadRules(rules)).value))]
      : []),
    ...(model ? [named("model", () => publishModel(edge, model))] : []),
  ];
}

async function publishModel(edge: EdgeClient, folder: string) {
  const { version, value } = await loadModel(pathToFileURL(`${folder}/`));
  const registered = await edge.registerModel(value);
  return isEdgeFault(registered) ? registered : edge.publishModel(version);
}
