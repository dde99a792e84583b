// SPDX-License-Identifier: MIT
// docs/unloading.md: read for what it promises, written anew when that is asked for.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;

namespace UniversalModuleHost.Hosting.Tests;

internal static class UnloadingDocument
{
    /// <summary>Set: what was measured is written, not compared.</summary>
    public const string Variable = "UMH_WRITE_UNLOADING";

    private const string Head = """
        # What unloads, and how

        A managed module has gone when its load context has: a weak reference to it died. Until then
        nothing is reported as unloaded. There are three ways there:

        - **as is** – nothing in the process remembers the module once it has stopped;
        - **after the sweep** – the runtime keeps something of it in caches and events of its own,
          out of which the host takes it. What others keep there stays;
        - **by replacement** – something still holds it after two seconds. The host says what, as far
          as it finds it, and the broker ends this process in order and starts a fresh one. No
          message is lost, but all modules of the host start anew. With `"OnHeld": "Refuse"` the
          process is left alone instead, and what is left of the module stays in memory, see
          [operations.md](operations.md#a-module-that-cannot-be-unloaded).

        So the rows of the last kind are those to avoid. What is said is in the log, in the answers
        of `umh unload` and `umh reload`, and in `umh status`; where it is nothing, it is only said
        that something holds the module.

        Then `umh unload HOST MODULE --explain` names everything, threads and handles included. It
        needs `"DotNet": {"Diagnostics": true}` for the host, whose runtime writes a memory image of
        the process for it, which has no name in any folder and is gone with its reader:

            $ umh unload one Clinger --no-replace --explain
            refused
              a GCHandle → Clinger.Payload
              static field System.Net.NetworkInformation.NetworkChange.s_addressChangedSubscribers → Dictionary<NetworkAddressChangedEventHandler, ExecutionContext> → a delegate of Clinger.ClingerModule.OnAddressChanged
              a running timer → a delegate of Clinger.ClingerModule.OnTimer
              a delay that is not over → async Clinger.ClingerModule.WaitAsync
              a wait registered with the pool → a delegate of Clinger.ClingerModule.OnSignal
              thread 6 'lingerer' in Clinger.ClingerModule.Linger
              (the process stood still for at most 0.8 s; 125 MiB read in 1.2 s)

        Each line begins with what the process has for itself – a thread, a static field of the
        runtime or of a shared library, a handle – and ends with what that reaches of the module.

        Measured with every run of the tests, ten lives of a module for each row, by
        `managed/tests/ManagedHost.Tests`, which fail where this page and the runtime differ. It is
        written anew by

            UMH_WRITE_UNLOADING=1 dotnet test managed/tests/ManagedHost.Tests --filter Unloading

        | a module with | unloads | what is said | what helps |
        |---|---|---|---|

        """;

    private const int Columns = 4;

    public static bool IsWritten => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 };

    public static string Line(UnloadingRow row, UnloadingResult result) =>
        $"| {row.Text} | {result.Outcome} | {result.Holder} | {row.Advice} |";

    /// <summary>What is promised, by the text of a row.</summary>
    public static Dictionary<string, UnloadingResult> Read()
    {
        Dictionary<string, UnloadingResult> results = [];
        foreach (string line in File.Exists(Place()) ? File.ReadLines(Place()) : [])
        {
            string[] cells = [.. line.Trim('|').Split('|').Select(cell => cell.Trim())];
            if (line.StartsWith('|') && cells.Length == Columns)
                results[cells[0]] = new UnloadingResult(cells[1], cells[2]);
        }
        return results;
    }

    public static string Text() => File.ReadAllText(Place());

    public static void Write(Dictionary<string, UnloadingResult> results) =>
        File.WriteAllText(Place(), Render(results));

    public static string Render(Dictionary<string, UnloadingResult> results)
    {
        StringBuilder text = new(Head.ReplaceLineEndings("\n"));
        foreach (UnloadingRow row in UnloadingRows.All)
        {
            if (results.TryGetValue(row.Text, out UnloadingResult? result))
                text.Append(Line(row, result)).Append('\n');
        }
        return text.ToString();
    }

    private static string Place([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Join(Path.GetDirectoryName(here), "../../../docs/unloading.md"));
}
