import { createServer, type Server } from "node:http";

/** A channel's external API: answers every channel alike, or not at all. */
export class ChannelApi {
  views = 0;
  isBroken = false;
  private readonly server: Server = createServer((_, response) => {
    response.writeHead(this.isBroken ? 500 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify({ views: this.views, impressions: this.views * 2 }));
  });

  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, "127.0.0.1", resolve);
    });
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }
}
