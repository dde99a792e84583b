// SPDX-License-Identifier: MIT
// Has a program of its own say what holds a context: this process cannot look at its own threads.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using System.Threading.Tasks;

namespace UniversalModuleHost.Hosting;

internal static class Explainer
{
    /// <summary>Lines, as many as a person reads.</summary>
    private const int LinesMax = 24;

    /// <summary>The token of the first type that an assembly declares.</summary>
    private const int FirstType = 0x02000002;

    /// <summary>The broker waits a little longer: UMH_EXPLAIN_MS.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    private static readonly (string Name, string Value)[] s_environment =
    [
        ("DOTNET_EnableDiagnostics", "0"),
        ("DOTNET_GCHeapHardLimit", "0x40000000"),
        ("DOTNET_gcServer", "0"),
        ("DOTNET_gcConcurrent", "0"),
        ("DOTNET_TieredPGO", "0"),
    ];

    /// <summary>A line for each holder, or why there are none.</summary>
    /// <param name="context">Asked to unload, and still there.</param>
    /// <param name="names">What reflection has found.</param>
    public static IReadOnlyList<string> Explain(WeakReference context, string names)
    {
        if (Environment.GetEnvironmentVariable("DOTNET_EnableDiagnostics") == "0")
            return [names, "set DotNet.Diagnostics to true for this host to have everything named"];
        try
        {
            return Run(Describe(context));
        }
        catch (Exception exception)
        {
            return [names, $"more could not be found out: {HostLog.Describe(exception)}"];
        }
    }

    /// <summary>
    /// What it is found by in the dump, where others of the same name and file may be left over
    /// from before: its number, and a type in it.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static string[] Describe(WeakReference context)
    {
        AssemblyLoadContext target = (AssemblyLoadContext?)context.Target
            ?? throw new InvalidOperationException("it has gone meanwhile");
        object? id = typeof(AssemblyLoadContext)
            .GetField("_id", BindingFlags.Instance | BindingFlags.NonPublic)?.GetValue(target);
        Assembly first = target.Assemblies.First(assembly => !assembly.IsDynamic);
        nint type = first.ManifestModule.ResolveType(FirstType).TypeHandle.Value;
        return
        [
            (id as long? ?? 0).ToString(CultureInfo.InvariantCulture),
            type.ToString(CultureInfo.InvariantCulture),
        ];
    }

    private static IReadOnlyList<string> Run(string[] context)
    {
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string suffix = OperatingSystem.IsWindows() ? ".exe" : string.Empty;
        string dotnet = Path.GetFullPath(Path.Combine(runtime, $"../../../dotnet{suffix}"));
        string own = Path.GetDirectoryName(typeof(Explainer).Assembly.Location)!;
        string tool = Path.GetFullPath(Path.Combine(own, "../explain/umh-explain.dll"));
        foreach (string file in new[] { dotnet, tool })
        {
            if (!File.Exists(file))
                return [$"more could not be found out: there is no '{file}'"];
        }

        string pid = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        ProcessStartInfo start = new(dotnet, ["exec", tool, pid, runtime, .. context])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = own,
        };
        foreach ((string name, string value) in s_environment)
            start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        return Await(process);
    }

    private static IReadOnlyList<string> Await(Process process)
    {
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            return [$"more could not be found out within {s_patience.TotalSeconds:F0} s"];
        }
        if (process.ExitCode == 0)
        {
            string[] lines = output.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            return lines.Length <= LinesMax ? lines : lines[..LinesMax];
        }
        string why = errors.Result.ReplaceLineEndings(" ").Trim();
        return [$"more could not be found out: {why}"];
    }
}
