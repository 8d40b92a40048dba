// One call of the client: `upload NAME FOLDER FILE…`, `list`, `download NAME FOLDER`, `delete NAME`.
import { DefaultArtifactClient } from "@actions/artifact";

const client = new DefaultArtifactClient();
const [verb, name, folder, ...files] = process.argv.slice(2);
const calls = {
  upload: () => client.uploadArtifact(name, files, folder),
  list: () => client.listArtifacts(),
  delete: () => client.deleteArtifact(name),
  download: async () => {
    const { artifact } = await client.getArtifact(name);
    return client.downloadArtifact(artifact.id, { path: folder, expectedHash: artifact.digest });
  },
};
console.log(`answer: ${JSON.stringify(await calls[verb]())}`);
