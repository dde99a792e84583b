// SPDX-License-Identifier: MIT
// A module's Config as IConfiguration. Made when a module first asks: the packages behind it cost a start.
using System;
using System.IO;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Configuration.Json;

namespace UniversalModuleHost.Hosting;

internal sealed class ModuleConfiguration : IDisposable
{
    private readonly ConfigurationRoot _root;

    public ModuleConfiguration(string json)
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(json), writable: false);
        JsonStreamConfigurationSource source = new() { Stream = stream };
        _root = new ConfigurationRoot([new JsonStreamConfigurationProvider(source)]);
    }

    public IConfiguration Root => _root;

    public void Dispose() => _root.Dispose();
}
