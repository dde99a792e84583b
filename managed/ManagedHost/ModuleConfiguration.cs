// SPDX-License-Identifier: MIT
// A module's Config as IConfiguration, made when a module first asks.
using System;
using Microsoft.Extensions.Configuration;

namespace UniversalModuleHost.Hosting;

internal sealed class ModuleConfiguration : IDisposable
{
    private readonly Provider _provider = new();
    private readonly ConfigurationRoot _root;

    public ModuleConfiguration(string json)
    {
        _provider.Read(json);
        _root = new ConfigurationRoot([_provider]);
    }

    public IConfiguration Root => _root;

    /// <summary>Its change token tells who registered on it.</summary>
    public void Replace(string json)
    {
        _provider.Read(json);
        _provider.Tell();
    }

    public void Dispose() => _root.Dispose();

    private sealed class Provider : ConfigurationProvider
    {
        public void Read(string json) => Data = JsonPaths.Read(json);

        public void Tell() => OnReload();
    }
}
