// SPDX-License-Identifier: MIT
// Says which version of everything it sees; built in two versions.
using System;
using System.Globalization;
using System.Linq;
using System.Resources;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json;
using UniversalModuleHost;

#if NEXT
[Subscribe("7e570000-0000-4000-8000-000000000148")]
#else
[Subscribe("7e570000-0000-4000-8000-000000000146")]
#endif
public sealed class Reader : Module
{
#if NEXT
    private static readonly Guid s_answers = new("7e570000-0000-4000-8000-000000000149");
#else
    private static readonly Guid s_answers = new("7e570000-0000-4000-8000-000000000147");
#endif

    protected override void OnStart()
    {
        if (Configuration["Start"] == "package")
            ReadPackage();
    }

    protected override void OnMessage(in Message message)
    {
        string[] words = message.Text.Split(' ');
        Send(s_answers, words[0] switch
        {
            "package" => ReadPackage(),
            "native" => $"{Answer()}",
            "greeting" => Greet(words[1]),
            "own" => ListOwn(),
            "shared" => ListShared(),
            _ => $"heard {message.Text}",
        });
    }

    /// <summary>Not inlined: a module without the package still answers the rest.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string ReadPackage()
    {
        int[] read = JsonConvert.DeserializeObject<int[]>("[1, 2]")!;
        return $"{typeof(JsonConvert).Assembly.GetName().Version} read {read.Length}";
    }

    private static string Greet(string culture) =>
        new ResourceManager("Words", typeof(Reader).Assembly)
            .GetString("Greeting", new CultureInfo(culture))!;

    private static string ListOwn() =>
        string.Join(' ', AssemblyLoadContext.GetLoadContext(typeof(Reader).Assembly)!.Assemblies
            .Select(assembly => assembly.GetName().Name).Order());

    private static string ListShared() =>
        string.Join(' ', new[] { typeof(Module).Assembly, typeof(ILogger).Assembly }
            .Where(assembly =>
                AssemblyLoadContext.GetLoadContext(assembly) == AssemblyLoadContext.Default)
            .Select(assembly => assembly.GetName().Name));

    [DllImport("answer", EntryPoint = "umh_test_answer")]
    private static extern int Answer();
}
