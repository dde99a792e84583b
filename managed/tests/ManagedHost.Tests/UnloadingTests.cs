// SPDX-License-Identifier: MIT
// Each row of docs/unloading.md against this runtime.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using System.Text.Json;
using Xunit;

namespace UniversalModuleHost.Hosting.Tests;

/// <summary>Only where the shared framework of ASP.NET is installed beside the runtime.</summary>
internal sealed class AspNetFactAttribute : FactAttribute
{
    public AspNetFactAttribute()
    {
        if (SharedFiles.AspNetFolder is null)
            Skip = "no Microsoft.AspNetCore.App of this version is installed";
    }
}

/// <summary>Files of modules that are put together here, and what a host would share.</summary>
public sealed class SharedFiles : IDisposable
{
    private readonly Dictionary<string, UnloadingResult> _written = UnloadingDocument.Read();

    public SharedFiles()
    {
        string runtime = RuntimeEnvironment.GetRuntimeDirectory();
        string folder = FolderOf("Lingering");
        string shared = FolderOf(UnloadingRows.SharedFolder);

        Directory.CreateDirectory(shared);
        File.Copy(
            Path.Join(folder, "Lingering.dll"),
            Path.Join(shared, UnloadingRows.SharedFolder + ".dll"),
            overwrite: true);
        const string container = "Microsoft.Extensions.DependencyInjection.dll";
        File.Copy(Path.Join(folder, container), Path.Join(shared, container), overwrite: true);
        File.Copy(
            Path.Join(runtime, "libSystem.IO.Compression.Native.so"),
            Path.Join(folder, "liblingering.so"),
            overwrite: true);
        AssemblyLoadContext.Default.Resolving += Share;
    }

    /// <summary>Null: it is not installed.</summary>
    public static string? AspNetFolder
    {
        get
        {
            string runtime = RuntimeEnvironment.GetRuntimeDirectory().TrimEnd('/');
            string version = Path.GetFileName(runtime);
            string folder = Path.Join(runtime, "../../Microsoft.AspNetCore.App", version);
            return Directory.Exists(folder) ? Path.GetFullPath(folder) : null;
        }
    }

    internal void Keep(UnloadingRow row, UnloadingResult result) => _written[row.Text] = result;

    public void Dispose()
    {
        AssemblyLoadContext.Default.Resolving -= Share;
        if (UnloadingDocument.IsWritten)
            UnloadingDocument.Write(_written);
    }

    private static string FolderOf(string module) =>
        Path.GetDirectoryName(FakeHost.ModulePath(module))!;

    private static Assembly? Share(AssemblyLoadContext context, AssemblyName name)
    {
        string? folder = name.Name == "Newtonsoft.Json" ? FolderOf("Lingering") : AspNetFolder;
        string path = Path.Join(folder, name.Name + ".dll");
        return folder is not null && File.Exists(path) ? context.LoadFromAssemblyPath(path) : null;
    }
}

public sealed class UnloadingTests(SharedFiles files) : IClassFixture<SharedFiles>
{
    public static TheoryData<string> Texts =>
    [
        .. UnloadingRows.All
            .Where(row => row.Key != UnloadingRows.WebServer)
            .Select(row => row.Text),
    ];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Unloads_as_it_is_published(string text) =>
        Check(UnloadingRows.All.Single(row => row.Text == text));

    [AspNetFact]
    public void A_web_server_unloads_as_it_is_published() =>
        Check(UnloadingRows.All.Single(row => row.Key == UnloadingRows.WebServer));

    [Fact]
    public void The_page_has_these_rows_and_no_other()
    {
        if (UnloadingDocument.IsWritten)
            return;
        string rendered = UnloadingDocument.Render(UnloadingDocument.Read());
        Assert.Equal(rendered, UnloadingDocument.Text());
    }

    private void Check(UnloadingRow row)
    {
        string config = JsonSerializer.Serialize(new { Use = row.Key });
        UnloadingResult result = UnloadingLives.Measure(row.Module, config);
        if (UnloadingDocument.IsWritten)
        {
            files.Keep(row, result);
            return;
        }
        Assert.True(UnloadingDocument.Read().TryGetValue(row.Text, out UnloadingResult? promised));
        Assert.Equal(promised, result);
    }
}
