import com.sun.net.httpserver.HttpServer;
import java.io.ByteArrayInputStream;
import java.io.File;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.util.concurrent.Executors;
import java.util.zip.GZIPInputStream;
import org.eclipse.jgit.internal.storage.file.FileRepository;
import org.eclipse.jgit.transport.PacketLineOut;
import org.eclipse.jgit.transport.RefAdvertiser.PacketLineOutRefAdvertiser;
import org.eclipse.jgit.transport.UploadPack;

/** Serves one repository by http as JGit does; arguments: port, folder. */
public class JGitServer {
    public static void main(String[] given) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(given[0])), 0);
        server.setExecutor(Executors.newCachedThreadPool());
        server.createContext("/", exchange -> {
            try (FileRepository repository = new FileRepository(new File(given[1]))) {
                UploadPack pack = new UploadPack(repository);
                pack.setBiDirectionalPipe(false);
                boolean asks = exchange.getRequestMethod().equals("GET");
                String kind = asks ? "advertisement" : "result";
                exchange.getResponseHeaders().set("content-type", "application/x-git-upload-pack-" + kind);
                exchange.sendResponseHeaders(200, 0);
                if (asks) {
                    PacketLineOut out = new PacketLineOut(exchange.getResponseBody());
                    out.writeString("# service=git-upload-pack\n");
                    out.end();
                    pack.sendAdvertisedRefs(new PacketLineOutRefAdvertiser(out));
                } else {
                    InputStream in = exchange.getRequestBody();
                    String coding = exchange.getRequestHeaders().getFirst("content-encoding");
                    in = "gzip".equals(coding) ? new GZIPInputStream(in) : in;
                    // JGit skips what is left, for which this server's stream has no end.
                    byte[] asked = in.readAllBytes();
                    pack.upload(new ByteArrayInputStream(asked), exchange.getResponseBody(), null);
                }
            } catch (Exception failure) {
                failure.printStackTrace();
            } finally {
                exchange.close();
            }
        });
        server.start();
    }
}
